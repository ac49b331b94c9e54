"""Draws an environment from its templates: connections, and the subnets of each resource."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from products.drawing import Edge, Graph, Group, Item, Node, Shape
from slipway_cli.review.assembly import Json, Stack
from slipway_cli.review.cost.assumptions import Assumptions
from slipway_cli.review.cost.containers import tasks
from slipway_cli.review.cost.template import Resource
from slipway_cli.review.cost.use import UnknownUseError, counted
from slipway_cli.review.diagrams.references import References, StackResource

_BUCKET, _DATABASE, _CACHE = "AWS::S3::Bucket", "AWS::RDS::DBInstance", "AWS::ElastiCache::ReplicationGroup"
_BALANCER, _SERVICE = "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ECS::Service"
_HOSTS, _CLUSTER = "AWS::AutoScaling::AutoScalingGroup", "AWS::EKS::Cluster"
_CONFIGURATION = "AWS::SSM::Parameter"
_NAT = ("AWS::EC2::NatGateway", "AWS::EC2::Instance")
_TARGETS, _LISTENER = "AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::ElasticLoadBalancingV2::Listener"
_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
_SUBNET_GROUPS = ("AWS::RDS::DBSubnetGroup", "AWS::ElastiCache::SubnetGroup")
_SECRETS = ("AWS::SecretsManager::Secret", "AWS::SecretsManager::SecretTargetAttachment")
_USERS, _INTERNET, _ELSEWHERE = "users", "internet", "elsewhere"
_PATHS_A_LINE = 2


def architecture(stacks: Sequence[Stack]) -> Graph:
    """Returns the diagram of the environment that consists of these stacks."""
    return _Diagram(References(stacks)).graph()


class _Diagram:
    def __init__(self, references: References) -> None:
        self._references = references
        self._ids: dict[StackResource, str] = {}

    def graph(self) -> Graph:
        distributions = self._references.of_type("AWS::CloudFront::Distribution")
        edges = [*self._from_users(distributions), *self._to_services(), *self._to_data(), *self._to_internet()]
        reached = {edge.target for edge in edges}
        items: list[Item] = [Node(_USERS, "users", Shape.END)] if distributions else []
        items += [Node(self._id(distribution), _cdn(distribution)) for distribution in distributions]
        # A bucket for logs is left out: it would get an arrow from everything.
        buckets = [bucket for bucket in self._references.of_type(_BUCKET) if self._id(bucket) in reached]
        items += [Node(self._id(bucket), f"bucket {bucket.path}", Shape.STORE) for bucket in buckets]
        placed = self._placed()
        items += placed.pop(_ELSEWHERE, [])
        frames = [Group(_plain(name), f"{name} subnets", tuple(inside), True) for name, inside in placed.items()]
        items += [
            Group(self._id(vpc), self._vpc(vpc), tuple(frames)) for vpc in self._references.of_type("AWS::EC2::VPC")
        ]
        if _INTERNET in reached:
            items.append(Node(_INTERNET, "internet", Shape.END))
        return Graph((*items, *dict.fromkeys(edges)))

    def _id(self, resource: StackResource) -> str:
        """Returns a short id of letters and digits, always the same for one resource."""
        if resource not in self._ids:
            wanted = _plain(resource.path)
            taken = sum(given == wanted or given.startswith(f"{wanted}x") for given in self._ids.values())
            self._ids[resource] = f"{wanted}x{taken}" if taken else wanted
        return self._ids[resource]

    def _placed(self) -> dict[str, list[Item]]:
        """Returns the nodes by the name of their subnets, in the order of the network's template."""
        places: dict[str, list[Item]] = {name: [] for name in self._subnets()}
        for balancer in self._references.of_type(_BALANCER):
            scheme = balancer.properties.get("Scheme", "internet-facing")
            self._place(places, balancer, balancer.properties.get("Subnets"), f"load balancer\n{scheme}")
        for service in self._references.of_type(_SERVICE):
            self._place(places, service, service.properties.get("NetworkConfiguration"), self._service(service))
        for hosts in self._references.of_type(_HOSTS):
            self._place(places, hosts, hosts.properties.get("VPCZoneIdentifier"), self._host(hosts))
        for cluster in self._references.of_type(_CLUSTER):
            label = f"EKS {cluster.properties.get('Version')}, Auto Mode"
            self._place(places, cluster, cluster.properties.get("ResourcesVpcConfig"), label)
        for database in self._references.of_type(_DATABASE):
            self._place(
                places, database, database.properties.get("DBSubnetGroupName"), _database(database), Shape.STORE
            )
        for cache in self._references.of_type(_CACHE):
            self._place(places, cache, cache.properties.get("CacheSubnetGroupName"), _cache(cache), Shape.STORE)
        for kind in _NAT:
            same = self._references.of_type(kind)
            if same:
                self._place(places, same[0], same[0].properties, _nat(same))
        endpoints = self._endpoints()
        if endpoints:
            label = f"{len(endpoints)} interface endpoints\nto AWS services"
            self._place(places, endpoints[0], endpoints[0].properties.get("SubnetIds"), label)
        return {name: inside for name, inside in places.items() if inside}

    def _place(
        self,
        places: dict[str, list[Item]],
        resource: StackResource,
        subnets: object,
        label: str,
        shape: Shape = Shape.BOX,
    ) -> None:
        found = self._references.reached(resource, subnets, ("AWS::EC2::Subnet",), _SUBNET_GROUPS)
        name = _subnet_name(found[0]) if found else _ELSEWHERE
        places.setdefault(name, []).append(Node(self._id(resource), label, shape))

    def _subnets(self) -> dict[str, list[StackResource]]:
        named: dict[str, list[StackResource]] = {}
        for subnet in self._references.of_type("AWS::EC2::Subnet"):
            named.setdefault(_subnet_name(subnet), []).append(subnet)
        return named

    def _vpc(self, vpc: StackResource) -> str:
        zones = {
            str(subnet.properties.get("AvailabilityZone")) for subnets in self._subnets().values() for subnet in subnets
        }
        return f"VPC {vpc.properties.get('CidrBlock', '')}, {len(zones)} zones"

    def _service(self, service: StackResource) -> str:
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

    def _host(self, hosts: StackResource) -> str:
        reference = (hosts.properties.get("LaunchTemplate") or {}).get("LaunchTemplateId")
        sizes = [
            str((template.properties.get("LaunchTemplateData") or {}).get("InstanceType"))
            for template in self._references.reached(hosts, reference, ("AWS::EC2::LaunchTemplate",))
        ]
        return "\n".join(["host", *sizes])

    def _endpoints(self) -> list[StackResource]:
        found = self._references.of_type("AWS::EC2::VPCEndpoint")
        return [endpoint for endpoint in found if endpoint.properties.get("VpcEndpointType") == "Interface"]

    def _from_users(self, distributions: Sequence[StackResource]) -> Iterator[Edge]:
        for distribution in distributions:
            yield Edge(_USERS, self._id(distribution))
            config = distribution.properties.get("DistributionConfig", {})
            for origin in config.get("Origins", []):
                where = [origin.get("DomainName"), origin.get("VpcOriginConfig")]
                for target in self._references.reached(
                    distribution, where, (_BUCKET, _BALANCER), ("AWS::CloudFront::VpcOrigin",)
                ):
                    yield Edge(self._id(distribution), self._id(target), _paths(config, origin.get("Id")))

    def _to_services(self) -> Iterator[Edge]:
        behind: dict[str, list[StackResource]] = {}
        for rule in self._references.of_type(_RULE, _LISTENER):
            actions = rule.properties.get("Actions", rule.properties.get("DefaultActions"))
            balancers = self._references.reached(rule, rule.properties, (_BALANCER,), (_LISTENER,))
            for group in self._references.reached(rule, actions, (_TARGETS,)):
                behind.setdefault(group.logical_id, []).extend(balancers)
        for service in self._references.of_type(_SERVICE):
            for group in self._references.reached(service, service.properties.get("LoadBalancers"), (_TARGETS,)):
                for balancer in behind.get(group.logical_id, []):
                    yield Edge(self._id(balancer), self._id(service))
        for machine in self._machines():
            arns = machine.properties.get("TargetGroupARNs")
            groups = self._references.reached(machine, arns, (_TARGETS,)) if arns else self._own(machine, _TARGETS)
            for group in groups:
                for balancer in behind.get(group.logical_id, []):
                    yield Edge(self._id(balancer), self._id(machine))

    def _to_data(self) -> Iterator[Edge]:
        """Yields the edges from services to their data; shared data gets one edge from the frame of the services."""
        targets_of = {service: self._data_targets(service) for service in self._services()}
        common = set.intersection(*(set(targets) for targets in targets_of.values())) if targets_of else set()
        frame = self._common_frame(list(targets_of))
        for service, targets in targets_of.items():
            for target in targets:
                source = frame if target in common and len(targets_of) > 1 else ""
                yield Edge(source or self._id(service), self._id(target))
        for machine in self._machines():
            for configuration in self._own(machine, _CONFIGURATION):
                for target in self._references.reached(
                    configuration, configuration.properties, (_DATABASE, _CACHE, _BUCKET), _SECRETS
                ):
                    yield Edge(self._id(machine), self._id(target))

    def _machines(self) -> list[StackResource]:
        """Returns hosts and clusters, whose containers no template names."""
        return self._references.of_type(_HOSTS, _CLUSTER)

    def _own(self, machine: StackResource, kind: str) -> list[StackResource]:
        """Returns the resources of a type in the stack of a host or a cluster."""
        return [found for found in self._references.of_type(kind) if found.stack is machine.stack]

    def _services(self) -> list[StackResource]:
        return self._references.of_type(_SERVICE)

    def _data_targets(self, service: StackResource) -> list[StackResource]:
        targets: list[StackResource] = []
        for task in self._references.reached(
            service, service.properties.get("TaskDefinition"), ("AWS::ECS::TaskDefinition",)
        ):
            for container in task.properties.get("ContainerDefinitions", []):
                values = [container.get("Environment"), container.get("Secrets")]
                targets += self._references.reached(task, values, (_DATABASE, _CACHE, _BUCKET), _SECRETS)
        return targets

    def _common_frame(self, services: Sequence[StackResource]) -> str:
        """Returns the id of the frame that contains all services; empty if they are in different ones."""
        names = {
            _subnet_name(subnet)
            for service in services
            for subnet in self._references.reached(
                service, service.properties.get("NetworkConfiguration"), ("AWS::EC2::Subnet",)
            )
        }
        return _plain(names.pop()) if len(names) == 1 else ""

    def _to_internet(self) -> Iterator[Edge]:
        """Yields the edges from the subnets that are routed through NAT, and from there to the internet."""
        firsts = {kind: self._id(same[0]) for kind in _NAT if (same := self._references.of_type(kind))}
        for route in self._references.of_type("AWS::EC2::Route"):
            for gateway in self._references.reached(route, route.properties, _NAT):
                for name in self._routed(route):
                    yield Edge(_plain(name), firsts[gateway.type])
                    yield Edge(firsts[gateway.type], _INTERNET)

    def _routed(self, route: StackResource) -> set[str]:
        tables = self._references.reached(route, route.properties.get("RouteTableId"), ("AWS::EC2::RouteTable",))
        names: set[str] = set()
        for link in self._references.of_type("AWS::EC2::SubnetRouteTableAssociation"):
            if self._references.reached(link, link.properties.get("RouteTableId"), ("AWS::EC2::RouteTable",)) == tables:
                subnets = self._references.reached(link, link.properties.get("SubnetId"), ("AWS::EC2::Subnet",))
                names |= {_subnet_name(subnet) for subnet in subnets}
        return names


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum()) or "node"


def _subnet_name(subnet: StackResource) -> str:
    tags = {tag.get("Key"): tag.get("Value") for tag in subnet.properties.get("Tags", [])}
    return str(tags.get("aws-cdk:subnet-name", "Other"))


def _cdn(distribution: StackResource) -> str:
    waf = " with WAF" if distribution.properties.get("DistributionConfig", {}).get("WebACLId") else ""
    return f"CloudFront{waf}"


def _paths(config: Json, origin: object) -> str:
    """Returns the path patterns routed to an origin."""
    paths = [
        str(behaviour.get("PathPattern"))
        for behaviour in config.get("CacheBehaviors", [])
        if behaviour.get("TargetOriginId") == origin
    ]
    rest = config.get("DefaultCacheBehavior", {}).get("TargetOriginId") == origin
    words = [*paths, *(["everything else" if config.get("CacheBehaviors") else "everything"] if rest else [])]
    return "\n".join(" ".join(words[i : i + _PATHS_A_LINE]) for i in range(0, len(words), _PATHS_A_LINE))


def _database(database: StackResource) -> str:
    standby = ", standby" if database.properties.get("MultiAZ") is True else ""
    return f"{_engine(database)}\n{database.properties.get('DBInstanceClass')}{standby}"


def _cache(cache: StackResource) -> str:
    nodes = counted(Decimal(str(cache.properties.get("NumCacheClusters", 1))), "node")
    return f"{_engine(cache)}\n{nodes} {cache.properties.get('CacheNodeType')}"


def _engine(resource: StackResource) -> str:
    return f"{resource.properties.get('Engine')} {resource.properties.get('EngineVersion')}"


def _nat(same: Sequence[StackResource]) -> str:
    size = same[0].properties.get("InstanceType")
    what = counted(Decimal(len(same)), "NAT instance" if size else "NAT gateway")
    return f"{what}\n{size}" if size else what
