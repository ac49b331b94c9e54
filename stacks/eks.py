"""The Kubernetes stack with EKS: a cluster in Auto Mode, the load balancer before it, and what releases to it."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from constructs import Construct

from products import kubernetes_files, names
from products.flows import needs_url
from products.kubernetes import EksCluster
from slipway.alarms import MINUTE, Alarms
from slipway.auto_cluster import AutoCluster
from slipway.cluster_functions import ClusterFunctions
from slipway.distribution import Route
from slipway.load_balancer import InternalLoadBalancer
from slipway.network import ProductNetwork
from slipway.private_bucket import PrivateBucket
from slipway.rights import Allow, confine_trust, everywhere, give
from stacks import entrances
from stacks.data import DataStack
from stacks.eks_objects import GROUP, objects
from stacks.host_tasks import see_edge
from stacks.host_values import parameter, repositories
from stacks.kubernetes_configuration import KubernetesConfiguration
from stacks.scope import EnvironmentScope, EnvironmentStack
from stacks.service_tasks import see_alarms, see_stack
from stacks.target import Task, Watched

_RELEASES = "a release is named by its digest; the bucket holds nothing else"


class EksStack(EnvironmentStack):
    """The cluster of one environment. A release changes nothing in this stack: it is in a bucket."""

    load_balancer: InternalLoadBalancer

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
            description="Kubernetes: EKS in Auto Mode, releases",
        )
        self._scope, self._network, self._data = environment_scope, network, data
        self._settings = kubernetes_files.settings(environment_scope.product, environment_scope.name)
        self._entrance = kubernetes_files.entrance(environment_scope.product, environment_scope.name)
        self.load_balancer = entrances.load_balancer(self, environment_scope, network, data)
        self._targets = self._define_targets()
        self._releases = PrivateBucket(
            self, "Releases", keep=environment_scope.environment.keep_data, access_logs=data.access_logs
        )
        self._cluster = AutoCluster(
            self,
            "Cluster",
            name=environment_scope.prefix,
            version=(self._settings.eks or EksCluster()).version,
            vpc=network.vpc,
            nodes=network.application,
            repositories=repositories(self, environment_scope),
            deletion_protection=environment_scope.environment.deletion_protection,
            log_retention=environment_scope.log_retention,
        )
        self._define_application_role()
        self._functions = self._define_functions()
        self.output(names.RELEASES_OUTPUT, self._releases.bucket_name, "Releases, by digest")
        self.output(names.TARGETS_OUTPUT, self._targets.target_group_arn, "The pods that get requests")
        self.output(names.FUNCTION_OUTPUT, self._functions.release.function_name, "Puts a release into the cluster")
        self.output("ClusterName", self._cluster.name, "For aws eks update-kubeconfig, from inside the VPC")

    def routes(self) -> list[Route]:
        """Returns the path patterns of the pods: every path."""
        return [Route(path, cached) for path, cached in self._entrance.routes()]

    def watched(self) -> Watched:
        """Returns the target group of the pods."""
        return Watched({"PodsAreUnhealthy": self._targets}, "PodsAreUnhealthy")

    def watch(self, _scope: Construct, alarms: Alarms) -> None:
        """Notify people if no pod answers the load balancer."""
        alarms.add(
            "PodsAreMissing",
            self._targets.metrics.healthy_host_count(period=MINUTE, statistic="Minimum"),
            threshold=1,
            of_minutes=10,
            below=True,
            missing_is_bad=True,
        )

    def tasks(self, access: cdk.Stack) -> list[Task]:
        """Returns the only task: to migrate, to release and to compare are steps of the same function."""
        product, environment = self._scope.product, self._scope.name
        statements = [
            see_stack(access, self._scope, self._scope.environment.target),
            *([see_edge(access, self._scope)] if needs_url(product, environment) else []),
            iam.PolicyStatement(
                sid="CallTheFunction",
                actions=["lambda:InvokeFunction"],
                resources=[self._functions.release.function_arn],
            ),
            *see_alarms(access, self._scope),
            Allow(
                sid="KeepReleases",
                actions=["s3:GetObject", "s3:PutObject"],
                resources=[self._releases.arn_for_objects("*")],
                because=_RELEASES,
            ),
            everywhere("elasticloadbalancing:DescribeTargetHealth", sid="SeeHealth"),
            # Without it, S3 answers 403 instead of 404 until there is a result.
            iam.PolicyStatement(sid="ListReleases", actions=["s3:ListBucket"], resources=[self._releases.bucket_arn]),
        ]
        return [Task("deploy", "Put a release into the cluster", statements, {})]

    def _define_targets(self) -> elbv2.ApplicationTargetGroup:
        targets = self.load_balancer.pod_targets(
            "Pods", cluster=self._scope.prefix, health_check=entrances.check(self._entrance), drain=entrances.DRAIN
        )
        self.load_balancer.route([(path, targets) for path, _ in self._entrance.routes()])
        return targets

    def _define_application_role(self) -> None:
        role = iam.Role(
            self,
            "ApplicationRole",
            description="Pods of the application",
            assumed_by=iam.ServicePrincipal("pods.eks.amazonaws.com").with_session_tags(),
        )
        confine_trust(role, self.format_arn(service="eks", resource="cluster", resource_name=self._cluster.name))
        give(role, self._data.media_access())
        self._cluster.associate(
            "Application",
            namespace=self._settings.namespace,
            service_account=(self._settings.eks or EksCluster()).service_account,
            role=role,
        )

    def _define_functions(self) -> ClusterFunctions:
        values = KubernetesConfiguration(self, environment_scope=self._scope, data=self._data)
        configuration = parameter(
            self, self._scope, values, description="What the cluster runs; it names secrets, and holds none"
        )
        name = configuration.name or ""
        functions = ClusterFunctions(
            self,
            "Functions",
            cluster=self._cluster,
            vpc=self._network.vpc,
            group=GROUP,
            environment={"BUCKET": self._releases.bucket_name, "CONFIGURATION": name},
            statements=self._rights(name, values.secrets),
            log_retention=self._scope.log_retention,
            log_group_name=names.commands_log_group(self._scope.name, self._scope.product.name),
        )
        functions.release.node.add_dependency(configuration)
        subnets = self._network.vpc.select_subnets(subnet_group_name="Application").subnet_ids
        functions.apply(
            objects(
                self._settings,
                architecture=self._scope.environment.architecture,
                node_role=self._cluster.node_role.role_name,
                subnets=subnets,
                group=self._network.application.security_group_id,
                targets=self._targets.target_group_arn,
            )
        )
        return functions

    def _rights(self, configuration: str, secrets: list[str]) -> list[iam.PolicyStatement]:
        """Returns what the function that releases may do in AWS; in the cluster, a role of Kubernetes says it."""
        arn = self.format_arn(service="ssm", resource="parameter", resource_name=configuration[1:])
        statements: list[iam.PolicyStatement] = [
            Allow(
                sid="Releases",
                actions=["s3:GetObject", "s3:PutObject"],
                resources=[self._releases.arn_for_objects("*")],
                because=_RELEASES,
            ),
            # Without it, S3 answers 403 instead of 404 before the first release.
            iam.PolicyStatement(sid="ListReleases", actions=["s3:ListBucket"], resources=[self._releases.bucket_arn]),
            iam.PolicyStatement(sid="ReadConfiguration", actions=["ssm:GetParameter"], resources=[arn]),
        ]
        if secrets:
            read = ["secretsmanager:GetSecretValue"]
            statements.append(iam.PolicyStatement(sid="ReadSecrets", actions=read, resources=secrets))
        return statements
