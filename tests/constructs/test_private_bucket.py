"""A bucket that only named principals can reach, over TLS."""

from __future__ import annotations

import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from slipway.private_bucket import PrivateBucket
from tests.support.stack import empty_stack, only, properties


def bucket(*, keep: bool) -> Template:
    stack = empty_stack()
    access_logs = s3.Bucket.from_bucket_name(stack, "AccessLogs", "logs")
    PrivateBucket(stack, "Bucket", keep=keep, access_logs=access_logs)
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def kept() -> Template:
    return bucket(keep=True)


def test_is_encrypted(kept: Template) -> None:
    rules = properties(kept, "AWS::S3::Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert rules == [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]


def test_blocks_all_public_access(kept: Template) -> None:
    assert set(properties(kept, "AWS::S3::Bucket")["PublicAccessBlockConfiguration"].values()) == {True}


def test_knows_no_acls(kept: Template) -> None:
    found = properties(kept, "AWS::S3::Bucket")

    assert found["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert "AccessControl" not in found


@pytest.mark.parametrize(
    "condition",
    [{"Bool": {"aws:SecureTransport": "false"}}, {"NumericLessThan": {"s3:TlsVersion": 1.2}}],
    ids=["without TLS", "with TLS older than 1.2"],
)
def test_refuses_a_request(kept: Template, condition: dict[str, object]) -> None:
    refusals = properties(kept, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]

    assert [
        refusal["Action"] for refusal in refusals if refusal["Effect"] == "Deny" and refusal["Condition"] == condition
    ] == ["s3:*"]


def test_keeps_old_versions_30_days(kept: Template) -> None:
    found = properties(kept, "AWS::S3::Bucket")
    (rule,) = found["LifecycleConfiguration"]["Rules"]

    assert found["VersioningConfiguration"] == {"Status": "Enabled"}
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}


def test_deletes_incomplete_uploads_after_a_day(kept: Template) -> None:
    (rule,) = properties(kept, "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]

    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_is_retained_when_its_stack_is_deleted(kept: Template) -> None:
    assert only(kept, "AWS::S3::Bucket")["DeletionPolicy"] == "Retain"
    kept.resource_count_is("Custom::S3AutoDeleteObjects", 0)


def test_is_emptied_and_deleted_with_its_stack_without_keep() -> None:
    template = bucket(keep=False)

    assert only(template, "AWS::S3::Bucket")["DeletionPolicy"] == "Delete"
    template.resource_count_is("Custom::S3AutoDeleteObjects", 1)


def test_logs_every_request_under_its_own_name(kept: Template) -> None:
    assert properties(kept, "AWS::S3::Bucket")["LoggingConfiguration"] == {
        "DestinationBucketName": "logs",
        "LogFilePrefix": "s3/Bucket/",
    }
