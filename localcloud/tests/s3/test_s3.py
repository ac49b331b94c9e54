"""Buckets: every property of a template is applied, updated and removed."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local

Read = Callable[[Any, str], Any]


def tags(s3: Any, bucket: str) -> Any:
    found = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    return {item["Key"]: item["Value"] for item in found if not item["Key"].startswith("aws:")}


def encryption(s3: Any, bucket: str) -> Any:
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    return rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], rule.get("BucketKeyEnabled", False)


def lifecycle(s3: Any, bucket: str) -> Any:
    return s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]


def encrypted(algorithm: str, *, key: bool = False) -> dict[str, Any]:
    default = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}, "BucketKeyEnabled": key}
    return {"ServerSideEncryptionConfiguration": [default]}


def rule(**more: Any) -> dict[str, Any]:
    return {"Rules": [{"Id": "r", "Status": "Enabled", **more}]}


def listed(**more: Any) -> list[dict[str, Any]]:
    return [{"ID": "r", "Status": "Enabled", "Filter": {}, **more}]


DEFAULTS = {"PublicAccessBlockConfiguration", "NotificationConfiguration", "VersioningConfiguration"}

PROPERTIES: list[tuple[str, Read, Any, Any, Any, Any]] = [
    ("Tags", tags, [{"Key": "a", "Value": "1"}], {"a": "1"}, [{"Key": "b", "Value": "2"}], {"b": "2"}),
    (
        "BucketEncryption",
        encryption,
        encrypted("AES256"),
        ("AES256", False),
        encrypted("aws:kms", key=True),
        ("aws:kms", True),
    ),
    (
        "VersioningConfiguration",
        lambda s3, bucket: s3.get_bucket_versioning(Bucket=bucket)["Status"],
        {"Status": "Enabled"},
        "Enabled",
        {"Status": "Suspended"},
        "Suspended",
    ),
    (
        "OwnershipControls",
        lambda s3, bucket: s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"],
        {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
        [{"ObjectOwnership": "ObjectWriter"}],
        {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        [{"ObjectOwnership": "BucketOwnerEnforced"}],
    ),
    (
        "LifecycleConfiguration",
        lifecycle,
        rule(ExpirationInDays=3, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7}),
        listed(Expiration={"Days": 3}, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7}),
        rule(NoncurrentVersionExpiration={"NoncurrentDays": 30, "NewerNoncurrentVersions": 2}),
        listed(NoncurrentVersionExpiration={"NoncurrentDays": 30, "NewerNoncurrentVersions": 2}),
    ),
    (
        "LifecycleConfiguration",
        lifecycle,
        rule(Transitions=[{"StorageClass": "GLACIER", "TransitionInDays": 30}], Prefix="logs/"),
        [{**listed()[0], "Filter": {"Prefix": "logs/"}, "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}]}],
        rule(NoncurrentVersionTransitions=[{"StorageClass": "GLACIER", "TransitionInDays": 5}]),
        listed(NoncurrentVersionTransitions=[{"NoncurrentDays": 5, "StorageClass": "GLACIER"}]),
    ),
    (
        "LoggingConfiguration",
        lambda s3, bucket: s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]["TargetPrefix"],
        {"LogFilePrefix": "one/"},
        "one/",
        {"LogFilePrefix": "two/"},
        "two/",
    ),
    (
        "CorsConfiguration",
        lambda s3, bucket: s3.get_bucket_cors(Bucket=bucket)["CORSRules"][0]["AllowedOrigins"],
        {"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://a"]}]},
        ["https://a"],
        {"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://b"]}]},
        ["https://b"],
    ),
    (
        "PublicAccessBlockConfiguration",
        lambda s3, bucket: s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"][
            "BlockPublicPolicy"
        ],
        {"BlockPublicPolicy": False},
        False,
        {"BlockPublicPolicy": True},
        True,
    ),
    (
        "NotificationConfiguration",
        lambda s3, bucket: "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=bucket),
        {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        True,
        {},
        False,
    ),
]


@pytest.mark.parametrize(("name", "read", "first", "shown", "second", "changed"), PROPERTIES)
def test_a_property_is_applied_updated_and_removed(  # noqa: PLR0917 - one row of PROPERTIES
    plain: Plain, name: str, read: Read, first: Any, shown: Any, second: Any, changed: Any
) -> None:
    stack, s3 = unique("property"), plain.client("s3")
    bucket = plain.deploy(resources(Bucket=("AWS::S3::Bucket", {name: first})), stack)["Bucket"]
    assert read(s3, bucket) == shown
    plain.deploy(resources(Bucket=("AWS::S3::Bucket", {name: second})), stack)
    assert read(s3, bucket) == changed
    plain.deploy(resources(Bucket=("AWS::S3::Bucket", {})), stack)
    with suppress(ClientError, KeyError):  # it is removed, or has its default again
        assert read(s3, bucket) != changed or name in DEFAULTS


def test_a_bucket_policy_is_updated_and_deleted_with_its_template(plain: Plain) -> None:
    stack, s3 = unique("policy"), plain.client("s3")

    def template(action: str) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": action, "Resource": "*"}
        policy = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Statement": [statement]}}
        return resources(Bucket=("AWS::S3::Bucket", {}), Policy=("AWS::S3::BucketPolicy", policy))

    bucket = plain.deploy(template("s3:GetObject"), stack)["Bucket"]
    assert "s3:GetObject" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    plain.deploy(template("s3:PutObject"), stack)
    assert "s3:PutObject" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    plain.deploy(resources(Bucket=("AWS::S3::Bucket", {})), stack)
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=bucket)


def test_the_error_for_an_unsupported_property_names_it(plain: Plain) -> None:
    inventory = {"InventoryConfigurations": [{"Id": "a"}]}
    with pytest.raises(AssertionError, match="InventoryConfigurations of AWS::S3::Bucket"):
        plain.deploy(resources(Bucket=("AWS::S3::Bucket", inventory)))


def test_a_write_with_kms_but_no_key_uses_the_accounts_key(plain: Plain) -> None:
    s3, bucket = plain.client("s3"), unique("kms")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"a", ServerSideEncryption="aws:kms")
    assert s3.head_object(Bucket=bucket, Key="a")["SSEKMSKeyId"].endswith("alias/aws/s3")


def test_an_object_can_be_uploaded_in_parts(plain: Plain) -> None:
    s3, bucket = plain.client("s3"), unique("parts")
    s3.create_bucket(Bucket=bucket)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    pieces = [b"a" * 5 * 1024 * 1024, b"b"]
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(Bucket=bucket, Key="a", UploadId=upload, PartNumber=number, Body=piece)["ETag"],
        }
        for number, piece in enumerate(pieces, 1)
    ]
    s3.complete_multipart_upload(Bucket=bucket, Key="a", UploadId=upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"".join(pieces)


def test_previous_versions_can_be_read(plain: Plain) -> None:
    s3, bucket = plain.client("s3"), unique("versions")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="a", Body=b"1")["VersionId"]
    s3.put_object(Bucket=bucket, Key="a", Body=b"2")
    s3.delete_object(Bucket=bucket, Key="a")
    assert s3.get_object(Bucket=bucket, Key="a", VersionId=first)["Body"].read() == b"1"
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="a")


def test_a_presigned_url_needs_no_credentials(plain: Plain) -> None:
    s3, bucket = plain.client("s3"), unique("presigned")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"mine")
    credentials = plain.session(
        plain.role(unique("r"), {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"})
    )
    url = plain.client("s3", credentials).generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"})
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"mine"
