"""PostgreSQL on RDS."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from slipway.accepted import accept, audits
from slipway.composed_secret import ComposedSecret, Part, SecretPart
from slipway.database_users import DatabaseUsers
from slipway.generated_secret import GeneratedSecret

PORT = 5432


@dataclass(frozen=True)
class InstanceSettings:
    """Version, size, availability and backups of a database instance."""

    version: str
    instance_class: str
    storage_gb: int
    maximum_storage_gb: int | None
    multi_az: bool
    backup_days: int
    deletion_protection: bool


class PostgresDatabase(Construct):
    """One PostgreSQL instance in the data subnets, and its URL as a secret.

    Default settings:
    - encrypted at rest, TLS required (`rds.force_ssl`), never public;
    - automatic backups with point-in-time recovery for `backup_days`;
    - minor versions are applied automatically in the maintenance window;
    - the PostgreSQL log, with statements slower than a second, and the upgrade log are in CloudWatch Logs;
    - `keep`: a final snapshot when the stack is deleted; otherwise nothing remains.

    `url` holds `postgresql://user:password@host:port/name?sslmode=…` for one of the application's `users`, which own
    the schema. CloudFormation composes it from the generated credentials when that login works, so no template contains
    its value; the password rotation rewrites it. `credentials` are the master user's, for operators.
    """

    instance: rds.DatabaseInstance
    credentials: secretsmanager.ISecret
    users: DatabaseUsers
    address: tuple[Part, ...]
    """The parts that `url` is composed of."""
    url: ComposedSecret

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        clients: ec2.ISecurityGroup,
        settings: InstanceSettings,
        database_name: str,
        username: str,
        keep: bool,
        sslmode: str,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        generated = GeneratedSecret(
            self, "Credentials", description="Database user and password", length=40, keep=keep, username=username
        )
        self.instance = self._define_instance(vpc, settings, database_name, generated, keep=keep)
        self._define_access(clients)
        self.credentials = self.instance.secret or generated
        self.users = DatabaseUsers(
            self,
            "Users",
            vpc=vpc,
            instance=self.instance,
            master=self.credentials,
            port=PORT,
            database_name=database_name,
            prefix=username,
            sslmode=sslmode,
            keep=keep,
            log_retention=log_retention,
        )
        self.address = self._address(database_name, sslmode)
        self.url = self._define_url(keep=keep)
        self._accept(multi_az=settings.multi_az, deletion_protection=settings.deletion_protection)

    def _define_instance(
        self,
        vpc: ec2.IVpc,
        settings: InstanceSettings,
        database_name: str,
        credentials: secretsmanager.ISecret,
        *,
        keep: bool,
    ) -> rds.DatabaseInstance:
        engine = rds.DatabaseInstanceEngine.postgres(version=_engine_version(settings.version))
        return rds.DatabaseInstance(
            self,
            "Instance",
            engine=engine,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_group_name="Data"),
            credentials=rds.Credentials.from_secret(credentials),
            database_name=database_name,
            instance_type=ec2.InstanceType(settings.instance_class.removeprefix("db.")),
            allocated_storage=settings.storage_gb,
            max_allocated_storage=settings.maximum_storage_gb,
            storage_type=rds.StorageType.GP3,
            storage_encrypted=True,
            multi_az=settings.multi_az,
            publicly_accessible=False,
            backup_retention=cdk.Duration.days(settings.backup_days),
            copy_tags_to_snapshot=True,
            auto_minor_version_upgrade=True,
            cloudwatch_logs_exports=["postgresql", "upgrade"],
            iam_authentication=True,  # only for members of the database's role rds_iam, which has none at first
            deletion_protection=settings.deletion_protection,
            removal_policy=cdk.RemovalPolicy.SNAPSHOT if keep else cdk.RemovalPolicy.DESTROY,
            delete_automated_backups=not keep,
            parameter_group=self._define_parameters(engine),
        )

    def _define_access(self, clients: ec2.ISecurityGroup) -> None:
        group = self.instance.node.find_child("SecurityGroup")
        assert isinstance(group, ec2.SecurityGroup)  # noqa: S101 - for mypy: the type that the CDK creates
        group.add_ingress_rule(clients, ec2.Port.tcp(PORT), "Containers")
        # A group without rules would allow all outbound traffic. Like the CDK in its own groups, this rule therefore
        # matches no traffic: a database opens no connections.
        resource = group.node.default_child
        assert isinstance(resource, ec2.CfnSecurityGroup)  # noqa: S101 - for mypy: the L1 of the L2
        resource.security_group_egress = [
            ec2.CfnSecurityGroup.EgressProperty(
                ip_protocol="icmp",
                cidr_ip="255.255.255.255/32",
                from_port=252,
                to_port=86,
                description="Disallow all traffic",
            )
        ]

    def _define_parameters(self, engine: rds.IInstanceEngine) -> rds.ParameterGroup:
        return rds.ParameterGroup(
            self,
            "Parameters",
            engine=engine,
            description="TLS only; slow statements logged",
            parameters={"rds.force_ssl": "1", "log_min_duration_statement": "1000"},
        )

    def _address(self, database_name: str, sslmode: str) -> tuple[Part, ...]:
        endpoint = self.instance.instance_endpoint
        place = f"{endpoint.hostname}:{cdk.Token.as_string(endpoint.port)}/{database_name}?sslmode={sslmode}"
        user, password = (SecretPart(self.users.credentials, key, in_address=True) for key in ("username", "password"))
        return ("postgresql://", user, ":", password, "@", place)

    def _define_url(self, *, keep: bool) -> ComposedSecret:
        url = ComposedSecret(self, "Url", description="DATABASE_URL of the containers", parts=self.address, keep=keep)
        url.node.add_dependency(self.users.created)  # otherwise a task could start before its user exists
        return url

    def _accept(self, *, multi_az: bool, deletion_protection: bool) -> None:
        accept(
            self.instance,
            "RDS itself backs it up, to every minute of `backup_days`; a plan of AWS Backup would be a second copy",
            *audits("RDSInBackupPlan", "NIST", "HIPAA"),
        )
        accept(
            self.instance,
            "metrics of each minute, alarms and slow statements are there; those of the machine cost a role and money",
            *audits("RDSEnhancedMonitoringEnabled", "NIST", "HIPAA"),
            "CKV_AWS_118",
        )
        accept(
            self.instance,
            "only the containers' security group reaches the port; another number would hide it from nobody",
            "AwsSolutions-RDS11",
        )
        if not multi_az:
            accept(
                self.instance,
                "the manifest says that this environment has one zone's database (`multi_az: false`)",
                *audits("RDSMultiAZSupport", "NIST", "HIPAA"),
                "AwsSolutions-RDS3",
                "CKV_AWS_157",
            )
        if not deletion_protection:
            accept(
                self.instance,
                "the manifest says that this environment may be deleted (`deletion_protection: false`)",
                *audits("RDSInstanceDeletionProtectionEnabled", "NIST", "HIPAA"),
                "AwsSolutions-RDS10",
            )


def _engine_version(version: str) -> rds.PostgresEngineVersion:
    return rds.PostgresEngineVersion.of(version, version.split(".", maxsplit=1)[0])
