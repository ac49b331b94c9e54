"""The Services stack: cluster, load balancer, services, migration task. Parameters set the release that it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs
from constructs import Construct

from products import call_checks, names, path_checks
from products.containers import Service, Size
from products.flows import branches_reach
from products.variables import MIGRATION
from slipway import arns
from slipway.accepted import accept
from slipway.alarms import Alarms
from slipway.container_task import Container, ContainerTask
from slipway.distribution import Route
from slipway.load_balancer import InternalLoadBalancer
from slipway.log_metric import LogMetric
from slipway.log_retention import accept_log_encryption
from slipway.network import ProductNetwork
from slipway.password_rotation import PasswordRotation
from slipway.release import ReleaseParameters
from slipway.released_service import ReleasedService, ScaleRule
from slipway.rights import give
from slipway.service_names import ServiceNames
from stacks import entrances, health, monitoring, schedules, service_alarms
from stacks.configuration import Configuration
from stacks.data import DataStack
from stacks.schedules import Schedules
from stacks.scope import EnvironmentScope, EnvironmentStack
from stacks.service_tasks import ServiceTasks
from stacks.target import Task, Watched


class ServicesStack(EnvironmentStack):
    """The containers of one environment, and the load balancer in front of them."""

    cluster: ecs.Cluster
    load_balancer: InternalLoadBalancer
    services: dict[str, ecs.FargateService]
    target_groups: dict[str, elbv2.ApplicationTargetGroup]
    migration: ContainerTask | None
    """The task that runs migrations; None for a product without migrations."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_scope: EnvironmentScope,
        network: ProductNetwork,
        data: DataStack,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment_scope=environment_scope,
            description="Containers: services, load balancer, migrations",
        )
        self._scope, self._network, self._data = environment_scope, network, data
        self.cluster = self._define_cluster()
        self.load_balancer = entrances.load_balancer(self, environment_scope, network, data)
        self._release = ReleaseParameters(self, version_parameter=names.VERSION_PARAMETER)
        self._images = {
            image: self._release.image(names.image_parameter(image)) for image in environment_scope.product.images
        }
        self._configuration = Configuration(self, environment_scope=environment_scope, data=data, release=self._release)
        self.services, self.target_groups = {}, {}
        services = environment_scope.product.services_in(environment_scope.name)
        released = {name: self._define_service(name, service) for name, service in services.items()}
        self._name_services()
        self._route()
        for name, service in services.items():  # scaling by requests needs a target group that has requests
            self._scale(name, service, released[name])
        self.migration = self._define_migration()
        self._define_schedules()
        self._rotate_password()
        self.output("ClusterName", self.cluster.cluster_name, "ECS cluster")

    def routes(self) -> list[Route]:
        """Returns the path patterns of the services, the most specific first."""
        return [Route(path, cached) for path, _, cached in path_checks.routes(self._scope.product)]

    def watched(self) -> Watched:
        """Returns the target groups of the services."""
        groups = {f"{names.pascal(name)}HasUnhealthyTasks": group for name, group in self.target_groups.items()}
        return Watched(groups, "HasUnhealthyTasks")

    def watch(self, scope: Construct, alarms: Alarms) -> None:
        """Notify people of missing tasks, of numbers in logs, and of scheduled tasks that fail."""
        service_alarms.watch(self._scope, alarms)
        schedules.watch(scope, self._scope, self.cluster, alarms)

    def tasks(self, access: cdk.Stack) -> list[Task]:
        """Returns what the pipeline does with the services."""
        return ServiceTasks(access, self._scope, services=self.services.values(), migration=self.migration).all()

    def _define_cluster(self) -> ecs.Cluster:
        insights = self._scope.environment.container_insights
        cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=names.cluster(self._scope.name, self._scope.product.name),
            vpc=self._network.vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED if insights else ecs.ContainerInsights.DISABLED,
            execute_command_configuration=ecs.ExecuteCommandConfiguration(logging=ecs.ExecuteCommandLogging.DEFAULT),
        )
        services = self._scope.product.services_in(self._scope.name).values()
        if any(self._on_spot(service) for service in services):
            resource = cluster.node.default_child
            assert isinstance(resource, ecs.CfnCluster)  # noqa: S101 - for mypy: the L1 of the L2
            # The L2 would add a resource of its own, which services do not wait for.
            resource.capacity_providers = ["FARGATE", "FARGATE_SPOT"]
        if not insights:
            accept(
                cluster,
                "the manifest says that this environment does without the metrics of each service, which cost more "
                "than its tasks (`container_insights: false`); alarms need none of them",
                "AwsSolutions-ECS4",
                "CKV_AWS_65",
            )
        return cluster

    def _on_spot(self, service: Service) -> bool:
        return (service.capacity or self._scope.environment.capacity) == "spot"

    def _container(self, name: str, image: str, uri: str, size: Size, command: tuple[str, ...] | None) -> Container:
        variables = self._configuration.of(name, image=uri)
        return Container(
            name=name,
            image=uri,
            repository_arns=self._repositories(image),
            command=command,
            cpu=size.cpu,
            memory=size.memory,
            architecture=self._scope.environment.architecture,
            environment=variables.plain,
            secrets=variables.secrets,
        )

    def _repositories(self, image: str) -> list[str]:
        """Returns the repositories that tasks may pull from; other branches' only if a flow deploys those branches."""
        product, tooling = self._scope.product, self._scope.product.tooling
        repositories = [names.repository(product.name, image)]
        if branches_reach(product, self._scope.name):
            repositories.append(names.branch_repository(product.name, image))
        return [arns.repository(self, tooling.account, tooling.region, name) for name in repositories]

    def _define_task(self, container: Container, metrics: Sequence[LogMetric] = ()) -> ContainerTask:
        place = (self._scope.name, self._scope.product.name, container.name)
        keep = self._scope.environment.keep_data
        log_group = logs.LogGroup(
            self,
            f"{names.pascal(container.name)}Logs",
            log_group_name=names.log_group(*place),
            retention=self._scope.log_retention,
            removal_policy=cdk.RemovalPolicy.RETAIN if keep else cdk.RemovalPolicy.DESTROY,
        )
        accept_log_encryption(log_group)
        for metric in metrics:
            metric.define(log_group)
        task = ContainerTask(
            self,
            f"{names.pascal(container.name)}Task",
            family=names.service(*place),
            container=container,
            log_group=log_group,
        )
        if statements := self._data.media_access():
            give(task.task_role, statements)
        return task

    def _define_service(self, name: str, service: Service) -> ReleasedService:
        container = replace(
            self._container(name, service.image, self._images[service.image].uri, service.size, service.command),
            user=service.user,
            read_only=service.read_only,
            port=service.port,
            health_check=health.container_check(service),
            stop_timeout=service.stop_timeout,
        )
        container = replace(container, environment={**container.environment, **monitoring.variables(service)})
        task = self._define_task(container, service_alarms.metrics(self._scope, name, service))
        give(task.task_role, monitoring.rights(self, self._scope, service))
        count: int | str = service.count
        if service.scaling:
            count = self._release.count(names.count_parameter(name), service.count)
        released = ReleasedService(
            self,
            names.pascal(name),
            service_name=names.service(self._scope.name, self._scope.product.name, name),
            cluster=self.cluster,
            task=task,
            image=self._images[service.image],
            count=count,
            singleton=service.singleton,
            spot=self._on_spot(service),
            shell_access=service.shell_access,
            security_group=self._network.application,
            health_check_grace=health.grace(service),
        )
        self.services[name] = released.service
        self._define_targets(name, service, released.service)
        return released

    def _name_services(self) -> None:
        called = call_checks.called(self._scope.product)
        if called:
            domain = names.discovery_domain(self._scope.name, self._scope.product.name)
            found = ServiceNames(self, "Names", domain=domain, vpc=self._network.vpc)
            for name in called:
                found.add(name, self.services[name])

    def _scale(self, name: str, service: Service, released: ReleasedService) -> None:
        if service.scaling:
            rule = ScaleRule(
                minimum=service.count,
                maximum=service.scaling.maximum,
                cpu_percent=service.scaling.cpu_percent,
                requests_per_target=service.scaling.requests_per_target,
            )
            released.scale(rule, self.target_groups.get(name))

    def _define_targets(self, name: str, service: Service, running: ecs.FargateService) -> None:
        paths = (*service.paths, *service.static_paths)
        if not paths or service.port is None:
            return
        self.target_groups[name] = self.load_balancer.targets(
            names.pascal(name),
            service=running,
            container=name,
            port=service.port,
            health_check=health.target_check(service),
            drain=cdk.Duration.seconds(service.stop_timeout),
        )

    def _route(self) -> None:
        routes = path_checks.routes(self._scope.product)
        self.load_balancer.route([(path, self.target_groups[name]) for path, name, _ in routes])

    def _define_migration(self) -> ContainerTask | None:
        migration = self._scope.product.migration
        if migration is None:
            return None
        uri = self._release.image_uri(names.MIGRATION_PARAMETER)
        container = self._container(MIGRATION, migration.image, uri, migration.size, migration.command)
        task = self._define_task(replace(container, user=migration.user, read_only=True))
        subnets = self._network.vpc.select_subnets(subnet_group_name="Application").subnet_ids
        self.output("MigrationTaskDefinition", task.task_definition_arn, "Run it once per release")
        for output in (
            self.output("MigrationSubnets", ",".join(subnets), "Where migrations run"),
            self.output(
                "MigrationSecurityGroup", self._network.application.security_group_id, "What migrations may reach"
            ),
        ):
            accept(output, "a release finds all that it needs in the outputs of the one stack that it updates", "W6001")
        return task

    def _define_schedules(self) -> None:
        schedules = self._scope.product.schedules
        if not schedules:
            return
        defined = Schedules(
            self,
            environment_scope=self._scope,
            cluster=self.cluster,
            services=self.services,
            vpc=self._network.vpc,
            security_group=self._network.application,
        )
        for name, schedule in schedules.items():
            image = self._images[schedule.image]
            container = self._container(name, schedule.image, image.uri, schedule.size, schedule.command)
            task = self._define_task(replace(container, user=schedule.user, read_only=schedule.read_only))
            defined.define(name, schedule, task, image)

    def _rotate_password(self) -> None:
        database, size = self._data.database, self._scope.environment.database
        if database is None or size is None or size.rotate_password_days is None:
            return
        PasswordRotation(
            self,
            "PasswordRotation",
            users=database.users,
            master=database.credentials,
            composed=self._configuration.composed,
            cluster=self.cluster,
            services=list(self.services.values()),
            every=cdk.Duration.days(size.rotate_password_days),
            log_retention=self._scope.log_retention,
        )
