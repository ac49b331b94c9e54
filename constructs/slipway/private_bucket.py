"""A bucket that only named principals can reach, over TLS."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct


class PrivateBucket(s3.Bucket):
    """A bucket with every public access blocked.

    Default settings:
    - encrypted by S3, TLS 1.2 or newer only, no ACLs, all public access blocked;
    - versioned; old versions go after 30 days, broken uploads after one;
    - `keep`: stays when its stack goes; otherwise it is emptied and deleted with it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, keep: bool) -> None:
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
