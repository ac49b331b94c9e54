"""An environment, drawn from its templates: who reaches what, and in which subnets it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from products.drawing import Edge, Graph, Group, Item, Node, Shape
from slipway_cli.review.assembly import Json, Stack
from slipway_cli.review.cost.assumptions import Assumptions
from slipway_cli.review.cost.containers import tasks
from slipway_cli.review.cost.template import Resource
from slipway_cli.review.cost.use import UnknownUseError, counted
from slipway_cli.review.diagrams.references import Found, References

_BUCKET, _DATABASE, _CACHE = "AWS::S3::Bucket", "AWS::RDS::DBInstance", "AWS::ElastiCache::ReplicationGroup"
_BALANCER, _SERVICE = "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ECS::Service"
_NAT = ("AWS::EC2::NatGateway", "AWS::EC2::Instance")
_TARGETS, _LISTENER = "AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::ElasticLoadBalancingV2::Listener"
_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
_SUBNET_GROUPS = ("AWS::RDS::DBSubnetGroup", "AWS::ElastiCache::SubnetGroup")
_SECRETS = ("AWS::SecretsManager::Secret", "AWS::SecretsManager::SecretTargetAttachment")
_USERS, _INTERNET, _ELSEWHERE = "users", "internet", "elsewhere"
_PATHS_A_LINE = 2


def architecture(stacks: Sequence[Stack]) -> Graph:
    """The diagram of the environment that these stacks make."""
    return _Drawing(References(stacks)).graph()


class _Drawing:
    def __init__(self, references: References) -> None:
        self._of = references
        self._ids: dict[Found, str] = {}

    def graph(self) -> Graph:
        distributions = self._of.of_type("AWS::CloudFront::Distribution")
        edges = [*self._from_users(distributions), *self._to_services(), *self._to_data(), *self._outwards()]
        reached = {edge.target for edge in edges}
        items: list[Item] = [Node(_USERS, "users", Shape.END)] if distributions else []
        items += [Node(self._id(distribution), _cdn(distribution)) for distribution in distributions]
        # Not where logs go: nobody's data, and an arrow from everything.
        buckets = [bucket for bucket in self._of.of_type(_BUCKET) if self._id(bucket) in reached]
        items += [Node(self._id(bucket), f"bucket {bucket.path}", Shape.STORE) for bucket in buckets]
        placed = self._placed()
        items += placed.pop(_ELSEWHERE, [])
        frames = [Group(_plain(name), f"{name} subnets", tuple(inside), True) for name, inside in placed.items()]
        items += [Group(self._id(vpc), self._vpc(vpc), tuple(frames)) for vpc in self._of.of_type("AWS::EC2::VPC")]
        if _INTERNET in reached:
            items.append(Node(_INTERNET, "internet", Shape.END))
        return Graph((*items, *dict.fromkeys(edges)))

    def _id(self, resource: Found) -> str:
        """A short id of letters and digits, the same for the same resource."""
        if resource not in self._ids:
            wanted = _plain(resource.path)
            taken = sum(given == wanted or given.startswith(f"{wanted}x") for given in self._ids.values())
            self._ids[resource] = f"{wanted}x{taken}" if taken else wanted
        return self._ids[resource]

    def _placed(self) -> dict[str, list[Item]]:
        """Nodes by the name of the subnets they stand in, in the order in which the network names them."""
        places: dict[str, list[Item]] = {name: [] for name in self._subnets()}
        for balancer in self._of.of_type(_BALANCER):
            scheme = balancer.properties.get("Scheme", "internet-facing")
            self._place(places, balancer, balancer.properties.get("Subnets"), f"load balancer\n{scheme}")
        for service in self._of.of_type(_SERVICE):
            self._place(places, service, service.properties.get("NetworkConfiguration"), self._service(service))
        for database in self._of.of_type(_DATABASE):
            self._place(
                places, database, database.properties.get("DBSubnetGroupName"), _database(database), Shape.STORE
            )
        for cache in self._of.of_type(_CACHE):
            self._place(places, cache, cache.properties.get("CacheSubnetGroupName"), _cache(cache), Shape.STORE)
        for kind in _NAT:
            same = self._of.of_type(kind)
            if same:
                self._place(places, same[0], same[0].properties, _nat(same))
        endpoints = self._endpoints()
        if endpoints:
            label = f"{len(endpoints)} interface endpoints\nto AWS's own services"
            self._place(places, endpoints[0], endpoints[0].properties.get("SubnetIds"), label)
        return {name: inside for name, inside in places.items() if inside}

    def _place(
        self, places: dict[str, list[Item]], resource: Found, subnets: object, label: str, shape: Shape = Shape.BOX
    ) -> None:
        found = self._of.reached(resource, subnets, ("AWS::EC2::Subnet",), _SUBNET_GROUPS)
        name = _subnet_name(found[0]) if found else _ELSEWHERE
        places.setdefault(name, []).append(Node(self._id(resource), label, shape))

    def _subnets(self) -> dict[str, list[Found]]:
        named: dict[str, list[Found]] = {}
        for subnet in self._of.of_type("AWS::EC2::Subnet"):
            named.setdefault(_subnet_name(subnet), []).append(subnet)
        return named

    def _vpc(self, vpc: Found) -> str:
        zones = {
            str(subnet.properties.get("AvailabilityZone")) for subnets in self._subnets().values() for subnet in subnets
        }
        return f"VPC {vpc.properties.get('CidrBlock', '')}, {len(zones)} zones"

    def _service(self, service: Found) -> str:
        definition = service.stack.resources[service.logical_id]
        resource = Resource(service.logical_id, definition, service.stack.template, Assumptions())
        name = str(service.properties.get("ServiceName", service.path)).removeprefix(
            f"{service.stack.name.rpartition('-')[0]}-"
        )
        task = resource.referred(service.properties.get("TaskDefinition"))
        try:
            count = counted(tasks(resource), "task")
            cpu, memory = (Decimal(str(task.get(key, 0))) / 1024 for key in ("Cpu", "Memory"))
        except (UnknownUseError, ArithmeticError):
            return name
        return f"{name}\n{count} of {cpu.normalize():f} vCPU, {memory.normalize():f} GB"

    def _endpoints(self) -> list[Found]:
        found = self._of.of_type("AWS::EC2::VPCEndpoint")
        return [endpoint for endpoint in found if endpoint.properties.get("VpcEndpointType") == "Interface"]

    def _from_users(self, distributions: Sequence[Found]) -> Iterator[Edge]:
        for distribution in distributions:
            yield Edge(_USERS, self._id(distribution))
            config = distribution.properties.get("DistributionConfig", {})
            for origin in config.get("Origins", []):
                where = [origin.get("DomainName"), origin.get("VpcOriginConfig")]
                for target in self._of.reached(
                    distribution, where, (_BUCKET, _BALANCER), ("AWS::CloudFront::VpcOrigin",)
                ):
                    yield Edge(self._id(distribution), self._id(target), _paths(config, origin.get("Id")))

    def _to_services(self) -> Iterator[Edge]:
        behind: dict[str, list[Found]] = {}
        for rule in self._of.of_type(_RULE, _LISTENER):
            actions = rule.properties.get("Actions", rule.properties.get("DefaultActions"))
            balancers = self._of.reached(rule, rule.properties, (_BALANCER,), (_LISTENER,))
            for group in self._of.reached(rule, actions, (_TARGETS,)):
                behind.setdefault(group.logical_id, []).extend(balancers)
        for service in self._of.of_type(_SERVICE):
            for group in self._of.reached(service, service.properties.get("LoadBalancers"), (_TARGETS,)):
                for balancer in behind.get(group.logical_id, []):
                    yield Edge(self._id(balancer), self._id(service))

    def _to_data(self) -> Iterator[Edge]:
        """From each service to what it is told of; from their frame where all are told of the same."""
        told = {service: self._told(service) for service in self._services()}
        common = set.intersection(*(set(targets) for targets in told.values())) if told else set()
        framed = self._framed(list(told))
        for service, targets in told.items():
            for target in targets:
                together = framed if target in common and len(told) > 1 else ""
                yield Edge(together or self._id(service), self._id(target))

    def _services(self) -> list[Found]:
        return self._of.of_type(_SERVICE)

    def _told(self, service: Found) -> list[Found]:
        targets: list[Found] = []
        for task in self._of.reached(service, service.properties.get("TaskDefinition"), ("AWS::ECS::TaskDefinition",)):
            for container in task.properties.get("ContainerDefinitions", []):
                values = [container.get("Environment"), container.get("Secrets")]
                targets += self._of.reached(task, values, (_DATABASE, _CACHE, _BUCKET), _SECRETS)
        return targets

    def _framed(self, services: Sequence[Found]) -> str:
        """The id of the frame that all services stand in; empty where they do not stand together."""
        names = {
            _subnet_name(subnet)
            for service in services
            for subnet in self._of.reached(
                service, service.properties.get("NetworkConfiguration"), ("AWS::EC2::Subnet",)
            )
        }
        return _plain(names.pop()) if len(names) == 1 else ""

    def _outwards(self) -> Iterator[Edge]:
        """From the subnets whose way out leads through NAT, and from there to the internet."""
        firsts = {kind: self._id(same[0]) for kind in _NAT if (same := self._of.of_type(kind))}
        for route in self._of.of_type("AWS::EC2::Route"):
            for way in self._of.reached(route, route.properties, _NAT):
                for name in self._routed(route):
                    yield Edge(_plain(name), firsts[way.type])
                    yield Edge(firsts[way.type], _INTERNET)

    def _routed(self, route: Found) -> set[str]:
        tables = self._of.reached(route, route.properties.get("RouteTableId"), ("AWS::EC2::RouteTable",))
        names: set[str] = set()
        for link in self._of.of_type("AWS::EC2::SubnetRouteTableAssociation"):
            if self._of.reached(link, link.properties.get("RouteTableId"), ("AWS::EC2::RouteTable",)) == tables:
                subnets = self._of.reached(link, link.properties.get("SubnetId"), ("AWS::EC2::Subnet",))
                names |= {_subnet_name(subnet) for subnet in subnets}
        return names


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum()) or "it"


def _subnet_name(subnet: Found) -> str:
    tags = {tag.get("Key"): tag.get("Value") for tag in subnet.properties.get("Tags", [])}
    return str(tags.get("aws-cdk:subnet-name", "Other"))


def _cdn(distribution: Found) -> str:
    waf = " with WAF" if distribution.properties.get("DistributionConfig", {}).get("WebACLId") else ""
    return f"CloudFront{waf}"


def _paths(config: Json, origin: object) -> str:
    """What of an address leads to an origin."""
    paths = [
        str(behaviour.get("PathPattern"))
        for behaviour in config.get("CacheBehaviors", [])
        if behaviour.get("TargetOriginId") == origin
    ]
    rest = config.get("DefaultCacheBehavior", {}).get("TargetOriginId") == origin
    words = [*paths, *(["everything else" if config.get("CacheBehaviors") else "everything"] if rest else [])]
    return "\n".join(" ".join(words[i : i + _PATHS_A_LINE]) for i in range(0, len(words), _PATHS_A_LINE))


def _database(database: Found) -> str:
    standby = ", standby" if database.properties.get("MultiAZ") is True else ""
    return f"{_engine(database)}\n{database.properties.get('DBInstanceClass')}{standby}"


def _cache(cache: Found) -> str:
    nodes = counted(Decimal(str(cache.properties.get("NumCacheClusters", 1))), "node")
    return f"{_engine(cache)}\n{nodes} {cache.properties.get('CacheNodeType')}"


def _engine(resource: Found) -> str:
    return f"{resource.properties.get('Engine')} {resource.properties.get('EngineVersion')}"


def _nat(same: Sequence[Found]) -> str:
    size = same[0].properties.get("InstanceType")
    what = counted(Decimal(len(same)), "NAT instance" if size else "NAT gateway")
    return f"{what}\n{size}" if size else what
