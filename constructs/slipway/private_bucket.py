"""A bucket without public access."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from slipway.accepted import accept, accept_aws_key, accept_double_dependency, audits

_EMPTYING = "Custom::S3AutoDeleteObjectsCustomResourceProvider"  # the CDK creates it once in each stack


class PrivateBucket(s3.Bucket):
    """A bucket with all public access blocked.

    Default settings:
    - encrypted by S3, TLS 1.2 or newer only, no ACLs, all public access blocked;
    - versioned; old versions expire after 30 days, incomplete uploads after one;
    - every request is logged to `access_logs`;
    - `keep`: it is kept when its stack is deleted; otherwise it is emptied and deleted with the stack.
    """

    def __init__(self, scope: Construct, construct_id: str, *, keep: bool, access_logs: s3.IBucket | None) -> None:
        super().__init__(
            scope,
            construct_id,
            access_control=None,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="ExpireOldVersions",
                    noncurrent_version_expiration=cdk.Duration.days(30),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                    expired_object_delete_marker=True,
                )
            ],
            removal_policy=cdk.RemovalPolicy.RETAIN if keep else cdk.RemovalPolicy.DESTROY,
            auto_delete_objects=None if keep else True,
        )
        if access_logs:
            self._log_to(access_logs)
        self._accept(recorded=access_logs is not None, emptied=not keep)

    def _log_to(self, access_logs: s3.IBucket) -> None:
        # The CDK's own property would name this bucket in the policy of the other, a dependency cycle between stacks.
        resource = self.node.default_child
        assert isinstance(resource, s3.CfnBucket)  # noqa: S101 - for mypy: the L1 of the L2
        resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=access_logs.bucket_name, log_file_prefix=f"s3/{self.node.id}/"
        )

    def _accept(self, *, recorded: bool, emptied: bool) -> None:
        accept_aws_key(self, *audits("S3DefaultEncryptionKMS"))
        accept(
            self,
            "versions undo a deletion; a copy elsewhere is for products that must survive the loss of a region",
            *audits("S3BucketReplicationEnabled"),
        )
        if not recorded:
            accept(
                self,
                "the bucket of access logs: a record of its own requests would make requests",
                "CKV_AWS_18",
            )
        if emptied:
            emptying = cdk.Stack.of(self).node.find_child(_EMPTYING)
            accept_double_dependency(emptying)
            accept(
                emptying,
                "the library's function, which CloudFormation calls when the stack goes, and which answers it",
                "CKV_AWS_115",
                "CKV_AWS_116",
                "CKV_AWS_117",
            )
