"""A cluster of EKS in Auto Mode: its roles, its key, its log, and who gets in."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from slipway.accepted import accept
from slipway.log_retention import accept_log_encryption
from slipway.rights import Allow, everywhere, give

# docs.aws.amazon.com/eks/latest/userguide/auto-cluster-iam-role.html
_CLUSTER_POLICIES = (
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
_HTTPS, _KUBELET = 443, 10250


class AutoCluster(Construct):
    """A cluster in which AWS starts and replaces the nodes.

    Default settings:
    - the API server has an address in the VPC only;
    - access entries alone admit roles; whoever deploys the stack gets none;
    - a key of its own encrypts Secrets; the log of the control plane has a retention;
    - it brings no node pool: those of EKS are for x86_64 only. Nodes are in the subnets and in the security group that
      a NodeClass names; their role may pull these `repositories`, and tell pods their roles.
    """

    cluster: eks.CfnCluster
    node_role: iam.Role

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        version: str,
        vpc: ec2.IVpc,
        nodes: ec2.ISecurityGroup,
        repositories: Sequence[str],
        deletion_protection: bool,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/eks/{name}/cluster",  # the name that EKS gives it
            retention=log_retention,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        accept_log_encryption(log_group)
        self.node_role = self._define_node_role(repositories)
        role = self._define_role()
        key = kms.Key(
            self,
            "Key",
            description=f"Secrets of the cluster {name}",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.cluster = self._define_cluster(version, vpc, role, key, deletion_protection=deletion_protection)
        self.cluster.node.add_dependency(log_group, role.node.find_child("DefaultPolicy"))
        self._connect(nodes)
        self._admit_nodes()

    def admit(self, construct_id: str, role: iam.IRole, group: str) -> eks.CfnAccessEntry:
        """Let a role in as a member of a group of Kubernetes, which has the rights that role bindings give it."""
        return eks.CfnAccessEntry(
            self,
            construct_id,
            cluster_name=self.cluster.ref,
            principal_arn=role.role_arn,
            type="STANDARD",
            kubernetes_groups=[group],
        )

    def admit_administrator(self, construct_id: str, role: iam.IRole) -> eks.CfnAccessEntry:
        """Let a role in that may do everything in the cluster."""
        return self._entry(construct_id, role, "STANDARD", "AmazonEKSClusterAdminPolicy")

    def associate(self, construct_id: str, *, namespace: str, service_account: str, role: iam.IRole) -> None:
        """Give the pods of a service account a role, by Pod Identity."""
        eks.CfnPodIdentityAssociation(
            self,
            construct_id,
            cluster_name=self.cluster.ref,
            namespace=namespace,
            service_account=service_account,
            role_arn=role.role_arn,
        )

    def allow_from(self, construct_id: str, group: ec2.ISecurityGroup, description: str) -> ec2.CfnSecurityGroupIngress:
        """Allow HTTPS from a security group to the API server."""
        return ec2.CfnSecurityGroupIngress(
            self,
            construct_id,
            group_id=self.cluster.attr_cluster_security_group_id,
            source_security_group_id=group.security_group_id,
            ip_protocol="tcp",
            from_port=_HTTPS,
            to_port=_HTTPS,
            description=description,
        )

    def _connect(self, nodes: ec2.ISecurityGroup) -> None:
        self.allow_from("FromNodes", nodes, "Nodes and pods ask the API server")
        ec2.CfnSecurityGroupIngress(
            self,
            "ToKubelets",
            group_id=nodes.security_group_id,
            source_security_group_id=self.cluster.attr_cluster_security_group_id,
            ip_protocol="tcp",
            from_port=_KUBELET,
            to_port=_KUBELET,
            description="Logs and commands, through the API server",
        )

    def _admit_nodes(self) -> None:
        # A NodeClass of one's own needs the entry: docs.aws.amazon.com/eks/latest/userguide/create-node-class.html.
        self._entry("Nodes", self.node_role, "EC2", "AmazonEKSAutoNodePolicy")

    def _entry(self, construct_id: str, role: iam.IRole, kind: str, policy: str) -> eks.CfnAccessEntry:
        return eks.CfnAccessEntry(
            self,
            construct_id,
            cluster_name=self.cluster.ref,
            principal_arn=role.role_arn,
            type=kind,
            access_policies=[
                eks.CfnAccessEntry.AccessPolicyProperty(
                    policy_arn=cdk.Stack.of(self).format_arn(
                        service="eks", region="", account="aws", resource="cluster-access-policy", resource_name=policy
                    ),
                    access_scope=eks.CfnAccessEntry.AccessScopeProperty(type="cluster"),
                )
            ],
        )

    def _define_role(self) -> iam.Role:
        role = iam.Role(
            self,
            "Role",
            description="EKS: nodes, disks and targets of the cluster",
            assumed_by=iam.ServicePrincipal("eks.amazonaws.com").with_session_tags(),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(name) for name in _CLUSTER_POLICIES],
        )
        # AmazonEKSComputePolicy allows it for every role, the permissions boundary for this one.
        give(
            role,
            [
                iam.PolicyStatement(
                    sid="GiveNodesTheirRole",
                    actions=["iam:PassRole"],
                    resources=[self.node_role.role_arn],
                    conditions={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
                )
            ],
        )
        accept(
            role,
            "EKS Auto Mode documents these policies for its role, which EKS alone assumes; a copy would miss the "
            "rights that AWS adds with each version",
            *(f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{name}]" for name in _CLUSTER_POLICIES),
        )
        return role

    def _define_node_role(self, repositories: Sequence[str]) -> iam.Role:
        role = iam.Role(
            self,
            "NodeRole",
            description="Nodes of EKS: images, roles of pods",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
        )
        own = cdk.Stack.of(self).format_arn(service="eks", resource="cluster", resource_name=self.name)
        give(
            role,
            [
                iam.PolicyStatement(
                    sid="PullImages",
                    actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                    resources=list(repositories),
                ),
                everywhere("ecr:GetAuthorizationToken", sid="LogInToTheRegistry"),
                # What AmazonEKSWorkerNodeMinimalPolicy allows for every cluster.
                Allow(sid="TellPodsTheirRoles", actions=["eks-auth:AssumeRoleForPodIdentity"], resources=[own]),
            ],
        )
        return role

    def _define_cluster(
        self, version: str, vpc: ec2.IVpc, role: iam.Role, key: kms.Key, *, deletion_protection: bool
    ) -> eks.CfnCluster:
        on = eks.CfnCluster
        return eks.CfnCluster(
            self,
            "Cluster",
            name=self.name,
            version=version,
            role_arn=role.role_arn,
            access_config=on.AccessConfigProperty(
                authentication_mode="API", bootstrap_cluster_creator_admin_permissions=False
            ),
            bootstrap_self_managed_addons=False,
            compute_config=on.ComputeConfigProperty(enabled=True, node_pools=[]),
            storage_config=on.StorageConfigProperty(block_storage=on.BlockStorageProperty(enabled=True)),
            kubernetes_network_config=on.KubernetesNetworkConfigProperty(
                elastic_load_balancing=on.ElasticLoadBalancingProperty(enabled=True)
            ),
            resources_vpc_config=on.ResourcesVpcConfigProperty(
                subnet_ids=vpc.select_subnets(subnet_group_name="Application").subnet_ids,
                endpoint_private_access=True,
                endpoint_public_access=False,
            ),
            encryption_config=[
                on.EncryptionConfigProperty(provider=on.ProviderProperty(key_arn=key.key_arn), resources=["secrets"])
            ],
            logging=on.LoggingProperty(
                cluster_logging=on.ClusterLoggingProperty(
                    enabled_types=[on.LoggingTypeConfigProperty(type=kind) for kind in _LOGS]
                )
            ),
            upgrade_policy=on.UpgradePolicyProperty(support_type="STANDARD"),
            deletion_protection=deletion_protection,
        )
