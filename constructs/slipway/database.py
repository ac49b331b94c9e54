"""PostgreSQL on RDS."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from slipway.accepted import accept, audits
from slipway.database_users import DatabaseUsers
from slipway.generated_secret import GeneratedSecret, accept_secret

PORT = 5432


class PostgresDatabase(Construct):
    """One PostgreSQL instance in the data subnets, and its address as a secret.

    Default settings:
    - encrypted at rest, TLS forced (`rds.force_ssl`), never public;
    - automatic backups with point-in-time recovery over `backup_days`;
    - minor versions applied by themselves in the maintenance window;
    - the PostgreSQL log, with statements slower than a second, and that of upgrades in CloudWatch Logs;
    - `keep`: a final snapshot when the stack goes; otherwise nothing is left.

    `url` holds `postgresql://user:password@host:port/name?sslmode=…` of one of the application's `users`, which own
    the schema. CloudFormation composes it from the generated credentials once that login works, so no template
    contains its value; the rotation rewrites it. `credentials` are the master user's, for operators.
    """

    instance: rds.DatabaseInstance
    credentials: secretsmanager.ISecret
    users: DatabaseUsers
    url: secretsmanager.Secret

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        clients: ec2.ISecurityGroup,
        version: str,
        database_name: str,
        username: str,
        instance_class: str,
        storage_gb: int,
        maximum_storage_gb: int | None,
        multi_az: bool,
        backup_days: int,
        deletion_protection: bool,
        keep: bool,
        sslmode: str,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        engine = rds.DatabaseInstanceEngine.postgres(version=_engine_version(version))
        generated = GeneratedSecret(
            self, "Credentials", description="Database user and password", length=40, keep=keep, username=username
        )
        self.instance = rds.DatabaseInstance(
            self,
            "Instance",
            engine=engine,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_group_name="Data"),
            credentials=rds.Credentials.from_secret(generated),
            database_name=database_name,
            instance_type=ec2.InstanceType(instance_class.removeprefix("db.")),
            allocated_storage=storage_gb,
            max_allocated_storage=maximum_storage_gb,
            storage_type=rds.StorageType.GP3,
            storage_encrypted=True,
            multi_az=multi_az,
            publicly_accessible=False,
            backup_retention=cdk.Duration.days(backup_days),
            copy_tags_to_snapshot=True,
            auto_minor_version_upgrade=True,
            cloudwatch_logs_exports=["postgresql", "upgrade"],
            iam_authentication=True,  # for whom the database itself names in rds_iam: nobody, at first
            deletion_protection=deletion_protection,
            removal_policy=cdk.RemovalPolicy.SNAPSHOT if keep else cdk.RemovalPolicy.DESTROY,
            delete_automated_backups=not keep,
            parameter_group=self._parameters(engine),
        )
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
        self.url = self._define_url(database_name, sslmode, keep=keep)
        self._accept(multi_az=multi_az, deletion_protection=deletion_protection)

    def _define_access(self, clients: ec2.ISecurityGroup) -> None:
        group = self.instance.node.find_child("SecurityGroup")
        assert isinstance(group, ec2.SecurityGroup)  # noqa: S101 - for mypy: the type that the library makes
        group.add_ingress_rule(clients, ec2.Port.tcp(PORT), "Containers")
        # A group without any rule would let everything out, so this is one that nothing fits, as the library has it
        # for its own groups: a database begins no connection.
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

    def _parameters(self, engine: rds.IInstanceEngine) -> rds.ParameterGroup:
        return rds.ParameterGroup(
            self,
            "Parameters",
            engine=engine,
            description="TLS only; slow statements logged",
            parameters={"rds.force_ssl": "1", "log_min_duration_statement": "1000"},
        )

    def _define_url(self, database_name: str, sslmode: str, *, keep: bool) -> secretsmanager.Secret:
        # References that CloudFormation resolves.
        user, password = (
            self.users.credentials.secret_value_from_json(key).unsafe_unwrap() for key in ("username", "password")
        )
        endpoint = self.instance.instance_endpoint
        place = f"{endpoint.hostname}:{cdk.Token.as_string(endpoint.port)}/{database_name}?sslmode={sslmode}"
        address = cdk.Fn.join("", ["postgresql://", user, ":", password, "@", place])
        url = secretsmanager.Secret(
            self,
            "Url",
            description="DATABASE_URL of the containers",
            secret_string_value=cdk.SecretValue.unsafe_plain_text(address),  # plain but for the references in it
            removal_policy=cdk.RemovalPolicy.RETAIN if keep else cdk.RemovalPolicy.DESTROY,
        )
        url.node.add_dependency(self.users.created)  # else a task could start before its login exists
        accept_secret(url)
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
