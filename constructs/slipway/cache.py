"""Redis or Valkey on ElastiCache."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from constructs import Construct

from slipway.accepted import accept, audits
from slipway.composed_secret import Part, SecretPart
from slipway.generated_secret import GeneratedSecret

PORT = 6379
_AUDITED_DAYS = 15
_FAMILIES_BY_MAJOR = 7  # since this version, the families of Redis and Valkey are named after it alone


class RedisCache(Construct):
    """A replication group with one shard (cluster mode disabled), which Celery and Channels need.

    Default settings:
    - TLS in transit, encryption at rest, an AUTH token in `token`;
    - with one or more `replicas`: in other zones, with automatic failover;
    - `noeviction`: a broker must refuse a new task rather than drop an old one;
    - snapshots are kept for `snapshot_days`; with 0 there are none.
    """

    host: str
    token: GeneratedSecret
    address: tuple[Part, ...]
    """Parts of the address with the token, to which a client may append `/<database>`."""
    group: elasticache.CfnReplicationGroup

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        clients: ec2.ISecurityGroup,
        engine: str,
        version: str,
        node_type: str,
        replicas: int,
        snapshot_days: int,
        keep: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        security_group = self._define_security_group(vpc, clients)
        # 16 to 128 characters: docs.aws.amazon.com/AmazonElastiCache, Authenticating with the AUTH command.
        self.token = GeneratedSecret(self, "Token", description="REDIS_AUTH_TOKEN", length=64, keep=keep)
        subnets = self._define_subnets(vpc)
        parameters = self._define_parameters(engine, version)
        self.group = elasticache.CfnReplicationGroup(
            self,
            "Group",
            replication_group_description="Cache, Celery broker, WebSocket layer",
            engine=engine,
            engine_version=version,
            cache_node_type=node_type,
            num_cache_clusters=1 + replicas,
            cluster_mode="disabled",
            automatic_failover_enabled=replicas > 0,
            multi_az_enabled=replicas > 0,
            port=PORT,
            transit_encryption_enabled=True,
            at_rest_encryption_enabled=True,
            auth_token=self.token.secret_value.unsafe_unwrap(),  # a dynamic reference, not the value itself
            auto_minor_version_upgrade=True,
            snapshot_retention_limit=snapshot_days,
            cache_subnet_group_name=subnets.ref,
            cache_parameter_group_name=parameters.ref,
            security_group_ids=[security_group.security_group_id],
        )
        self.group.apply_removal_policy(cdk.RemovalPolicy.SNAPSHOT if keep else cdk.RemovalPolicy.DESTROY)
        self._accept(replicas=replicas, snapshot_days=snapshot_days)
        self.host = self.group.attr_primary_end_point_address
        self.address = ("rediss://:", SecretPart(self.token, in_address=True), f"@{self.host}:{PORT}")

    def _define_security_group(self, vpc: ec2.IVpc, clients: ec2.ISecurityGroup) -> ec2.SecurityGroup:
        security_group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=vpc, description="Cache: from the containers only", allow_all_outbound=False
        )
        security_group.add_ingress_rule(clients, ec2.Port.tcp(PORT), "Containers")
        return security_group

    def _define_subnets(self, vpc: ec2.IVpc) -> elasticache.CfnSubnetGroup:
        return elasticache.CfnSubnetGroup(
            self,
            "Subnets",
            description="Data subnets",
            subnet_ids=vpc.select_subnets(subnet_group_name="Data").subnet_ids,
        )

    def _define_parameters(self, engine: str, version: str) -> elasticache.CfnParameterGroup:
        return elasticache.CfnParameterGroup(
            self,
            "Parameters",
            cache_parameter_group_family=_family(engine, version),
            description="A broker refuses rather than drops",
            properties={"maxmemory-policy": "noeviction"},
        )

    def _accept(self, *, replicas: int, snapshot_days: int) -> None:
        accept(
            self.group,
            "only the containers' security group reaches the port; another number would hide it from nobody",
            "AwsSolutions-AEC5",
        )
        if replicas == 0:
            accept(
                self.group,
                "the manifest says that this environment has one zone's cache (`replicas: 0`)",
                "AwsSolutions-AEC4",
            )
        if snapshot_days < _AUDITED_DAYS:
            accept(
                self.group,
                "a broker and a cache: what must not be lost is in the database; the manifest says `snapshot_days`",
                *audits("ElastiCacheRedisClusterAutomaticBackup", "NIST", "HIPAA"),
            )


def _family(engine: str, version: str) -> str:
    """Returns the parameter group family, e.g. redis7.

    Source: docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html, read 2026-11-30.
    """
    major = int(version.split(".", maxsplit=1)[0])
    if engine == "redis" and major < _FAMILIES_BY_MAJOR:
        return "redis6.x" if major == _FAMILIES_BY_MAJOR - 1 else f"redis{major}.0"
    return f"{engine}{major}"
