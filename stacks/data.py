"""The Data stack: everything that holds data. A test pins its logical ids, since a new id replaces the resource."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from slipway.accepted import accept, audits
from slipway.access_logs import AccessLogs
from slipway.cache import RedisCache
from slipway.database import InstanceSettings, PostgresDatabase
from slipway.generated_secret import GeneratedSecret
from slipway.network import ProductNetwork
from slipway.private_bucket import PrivateBucket
from slipway.rights import Allow
from stacks.scope import EnvironmentScope, EnvironmentStack


class DataStack(EnvironmentStack):
    """Database, cache, media and secrets of one environment."""

    database: PostgresDatabase | None
    """None for a product without a database; likewise `cache` and `media`."""
    cache: RedisCache | None
    access_logs: AccessLogs
    media: PrivateBucket | None
    secret_key: secretsmanager.Secret

    def __init__(
        self, scope: Construct, construct_id: str, *, environment_scope: EnvironmentScope, network: ProductNetwork
    ) -> None:
        super().__init__(
            scope, construct_id, environment_scope=environment_scope, description="Database, cache, media, secrets"
        )
        keep = environment_scope.environment.keep_data
        self.database = self._define_database(environment_scope, network)
        self.cache = self._define_cache(environment_scope, network)
        self.access_logs = AccessLogs(
            self, "AccessLogs", keep=keep, days=environment_scope.environment.log_retention_days
        )
        self.media = self._define_media(keep=keep) if environment_scope.product.media else None
        if self.media is None:
            accept(
                self.access_logs,
                "the bucket of access logs: a record of its own requests would make requests",
                "AwsSolutions-S1",  # with a bucket that logs to it in the same stack, the rules see what it is
                *audits("S3BucketLoggingEnabled"),
            )
        self.secret_key = GeneratedSecret(self, "SecretKey", description="Django's SECRET_KEY", length=64, keep=keep)
        self._define_outputs()

    def _define_outputs(self) -> None:
        if self.media:
            self.output("MediaBucketName", self.media.bucket_name, "Uploads; AWS_STORAGE_BUCKET_NAME of the containers")
        if self.database:
            users = self.database.users.credentials
            self.output("DatabaseUrlSecret", self.database.url.secret_arn, "DATABASE_URL of the containers")
            self.output("DatabaseCredentialsSecret", self.database.credentials.secret_arn, "Master user, for operators")
            self.output("DatabaseUserSecret", users.secret_arn, "Database user of the containers")

    def media_access(self) -> list[iam.PolicyStatement]:
        """Returns the statements that let a container read, write, delete and list the media; none without media."""
        if self.media is None:
            return []
        return [
            Allow(
                sid="MediaObjects",
                actions=["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                resources=[self.media.arn_for_objects("media/*")],
                because="the product names its uploads; the bucket holds nothing else",
            ),
            iam.PolicyStatement(
                sid="MediaList",
                actions=["s3:ListBucket"],
                resources=[self.media.bucket_arn],
                conditions={"StringLike": {"s3:prefix": ["media/*"]}},
            ),
        ]

    def _define_database(self, environment_scope: EnvironmentScope, network: ProductNetwork) -> PostgresDatabase | None:
        database, size = environment_scope.product.database, environment_scope.environment.database
        if database is None or size is None:
            return None
        return PostgresDatabase(
            self,
            "Database",
            vpc=network.vpc,
            clients=network.application,
            settings=InstanceSettings(
                version=database.version,
                instance_class=size.instance,
                storage_gb=size.storage_gb,
                maximum_storage_gb=size.maximum_storage_gb,
                multi_az=size.multi_az,
                backup_days=size.backup_days,
                deletion_protection=environment_scope.environment.deletion_protection,
            ),
            database_name=database.name,
            username=database.user,
            keep=environment_scope.environment.keep_data,
            sslmode=database.tls,
            log_retention=environment_scope.log_retention,
        )

    def _define_cache(self, environment_scope: EnvironmentScope, network: ProductNetwork) -> RedisCache | None:
        cache, size = environment_scope.product.cache, environment_scope.environment.cache
        if cache is None or size is None:
            return None
        return RedisCache(
            self,
            "Cache",
            vpc=network.vpc,
            clients=network.application,
            engine=cache.engine,
            version=cache.version,
            node_type=size.node,
            replicas=size.replicas,
            snapshot_days=size.snapshot_days,
            keep=environment_scope.environment.keep_data,
        )

    def _define_media(self, *, keep: bool) -> PrivateBucket:
        media = PrivateBucket(self, "Media", keep=keep, access_logs=self.access_logs)
        # Naming only the one distribution would make this stack depend on Edge, which depends on it: docs/adr/0018.
        distributions = self.format_arn(service="cloudfront", region="", resource="distribution", resource_name="*")
        media.add_to_resource_policy(
            iam.PolicyStatement(
                sid="CloudFrontReadsMedia",
                principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
                actions=["s3:GetObject"],
                resources=[media.arn_for_objects("media/*")],
                conditions={"ArnLike": {"aws:SourceArn": distributions}},
            )
        )
        return media
