"""The Data stack: everything an operator could lose. Its logical ids are pinned by a test."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from slipway.access_logs import AccessLogs
from slipway.cache import RedisCache
from slipway.database import PostgresDatabase
from slipway.generated_secret import GeneratedSecret
from slipway.network import ProductNetwork
from slipway.private_bucket import PrivateBucket
from slipway.rights import Allow
from stacks.scope import EnvironmentScope, EnvironmentStack


class DataStack(EnvironmentStack):
    """Database, cache, media and secrets of one environment."""

    database: PostgresDatabase
    cache: RedisCache
    access_logs: AccessLogs
    media: PrivateBucket
    secret_key: secretsmanager.Secret

    def __init__(self, scope: Construct, construct_id: str, *, of: EnvironmentScope, network: ProductNetwork) -> None:
        super().__init__(scope, construct_id, of=of, description="Database, cache, media, secrets")
        keep = of.environment.keep_data
        self.database = self._define_database(of, network)
        self.cache = self._define_cache(of, network)
        self.access_logs = AccessLogs(self, "AccessLogs", keep=keep, days=of.environment.log_retention_days)
        self.media = PrivateBucket(self, "Media", keep=keep, access_logs=self.access_logs)
        self._let_cloudfront_read_media()
        self.secret_key = GeneratedSecret(self, "SecretKey", description="Django's SECRET_KEY", length=64, keep=keep)
        self.output("MediaBucketName", self.media.bucket_name, "Uploads; AWS_STORAGE_BUCKET_NAME of the containers")
        self.output("DatabaseUrlSecret", self.database.url.secret_arn, "DATABASE_URL of the containers")
        self.output("DatabaseCredentialsSecret", self.database.credentials.secret_arn, "Master user, for operators")
        self.output("DatabaseUserSecret", self.database.users.credentials.secret_arn, "Database user of the containers")

    def media_access(self) -> list[iam.PolicyStatement]:
        """What a container may do with the media: read, write and delete objects, and list them."""
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

    def _define_database(self, of: EnvironmentScope, network: ProductNetwork) -> PostgresDatabase:
        database, size = of.product.database, of.environment.database
        return PostgresDatabase(
            self,
            "Database",
            vpc=network.vpc,
            clients=network.application,
            version=database.version,
            database_name=database.name,
            username=database.user,
            instance_class=size.instance,
            storage_gb=size.storage_gb,
            maximum_storage_gb=size.maximum_storage_gb,
            multi_az=size.multi_az,
            backup_days=size.backup_days,
            deletion_protection=of.environment.deletion_protection,
            keep=of.environment.keep_data,
            sslmode=database.tls,
            log_retention=of.log_retention,
        )

    def _define_cache(self, of: EnvironmentScope, network: ProductNetwork) -> RedisCache:
        return RedisCache(
            self,
            "Cache",
            vpc=network.vpc,
            clients=network.application,
            engine=of.product.cache.engine,
            version=of.product.cache.version,
            node_type=of.environment.cache.node,
            replicas=of.environment.cache.replicas,
            snapshot_days=of.environment.cache.snapshot_days,
            keep=of.environment.keep_data,
        )

    def _let_cloudfront_read_media(self) -> None:
        # Naming the one distribution would make this stack depend on Edge, which depends on it: docs/adr/0018.
        distributions = self.format_arn(service="cloudfront", region="", resource="distribution", resource_name="*")
        self.media.add_to_resource_policy(
            iam.PolicyStatement(
                sid="CloudFrontReadsMedia",
                principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
                actions=["s3:GetObject"],
                resources=[self.media.arn_for_objects("media/*")],
                conditions={"ArnLike": {"aws:SourceArn": distributions}},
            )
        )
