"""AWS::S3::Bucket: the properties that MiniStack ignores, and the refusal to delete a bucket with objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ministack.services import s3

from localcloud import adapter
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = (
    *completion.SYMBOLS,
    "ministack.services.s3:_bucket_default_sse_headers",
    "ministack.services.s3:_resolve_sse_write_headers",
)

_REFUSED = (
    "AnalyticsConfigurations",
    "InventoryConfigurations",
    "MetadataConfiguration",
    "MetadataTableConfiguration",
    "ReplicationConfiguration",
)


class BucketNotEmptyError(ValueError):
    """The bucket cannot be deleted because it has objects, as on AWS."""


def _tags(bucket: str, value: Any, _props: adapter.Props) -> None:
    own = [tag for tag in completion.tag_list(value) if not tag["Key"].startswith("aws:")]
    s3 = adapter.client("s3")
    if own:
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": own})
    else:
        s3.delete_bucket_tagging(Bucket=bucket)


def _encryption(bucket: str, value: Any, _props: adapter.Props) -> None:
    s3 = adapter.client("s3")
    if not value:
        s3.delete_bucket_encryption(Bucket=bucket)
        return
    rules = []
    for rule in value["ServerSideEncryptionConfiguration"]:
        default = rule.get("ServerSideEncryptionByDefault", {})
        rules.append({**rule, "ApplyServerSideEncryptionByDefault": default})
    adapter.call(
        "s3",
        "put_bucket_encryption",
        {"Bucket": bucket, "ServerSideEncryptionConfiguration": {"Rules": rules}},
        ignore={"ServerSideEncryptionConfiguration.Rules.ServerSideEncryptionByDefault"},
    )


def _transition(value: adapter.Props, days: str) -> adapter.Props:
    moved = adapter.without(value, "TransitionInDays", "TransitionDate")
    if "TransitionInDays" in value:
        moved[days] = value["TransitionInDays"]
    if "TransitionDate" in value:
        moved["Date"] = value["TransitionDate"]
    return moved


def _filter(rule: adapter.Props) -> adapter.Props:
    parts: adapter.Props = {}
    for name in ("Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if name in rule:
            parts[name] = rule[name]
    tags = rule.get("TagFilters") or []
    if len(tags) == 1 and not parts:
        return {"Tag": tags[0]}
    if tags:
        parts["Tags"] = tags
    return {"And": parts} if len(parts) > 1 or tags else parts


def _expiration(rule: adapter.Props) -> adapter.Props:
    names = {
        "ExpirationInDays": "Days",
        "ExpirationDate": "Date",
        "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
    }
    return {api: rule[name] for name, api in names.items() if name in rule}


def lifecycle_rule(rule: adapter.Props) -> adapter.Props:
    """Returns a template's lifecycle rule in the API's form."""
    result: adapter.Props = {"Status": rule["Status"], "Filter": _filter(rule)}
    if rule.get("Id"):
        result["ID"] = rule["Id"]
    if _expiration(rule):
        result["Expiration"] = _expiration(rule)
    if "AbortIncompleteMultipartUpload" in rule:
        result["AbortIncompleteMultipartUpload"] = rule["AbortIncompleteMultipartUpload"]
    if "NoncurrentVersionExpiration" in rule:
        result["NoncurrentVersionExpiration"] = rule["NoncurrentVersionExpiration"]
    elif "NoncurrentVersionExpirationInDays" in rule:
        result["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    moves = rule.get("Transitions") or ([rule["Transition"]] if "Transition" in rule else [])
    if moves:
        result["Transitions"] = [_transition(move, "Days") for move in moves]
    old = rule.get("NoncurrentVersionTransitions") or []
    if old:
        result["NoncurrentVersionTransitions"] = [_transition(move, "NoncurrentDays") for move in old]
    return result


def _lifecycle(bucket: str, value: Any, _props: adapter.Props) -> None:
    if not value or not value.get("Rules"):
        adapter.client("s3").delete_bucket_lifecycle(Bucket=bucket)
        return
    rules = [lifecycle_rule(rule) for rule in value["Rules"]]
    adapter.call(
        "s3", "put_bucket_lifecycle_configuration", {"Bucket": bucket, "LifecycleConfiguration": {"Rules": rules}}
    )


def _ownership(bucket: str, value: Any, _props: adapter.Props) -> None:
    s3 = adapter.client("s3")
    if value:
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=value)
    else:
        s3.delete_bucket_ownership_controls(Bucket=bucket)


def _access_control(bucket: str, value: Any, props: adapter.Props) -> None:
    if value in (None, "Private") and not props.get("OwnershipControls"):
        return  # the default of a new bucket, whose access control list cannot be set
    canned = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", value or "Private").lower()
    adapter.client("s3").put_bucket_acl(Bucket=bucket, ACL=canned)


def _logging(bucket: str, value: Any, _props: adapter.Props) -> None:
    enabled = {}
    if value:
        target, prefix = value.get("DestinationBucketName", bucket), value.get("LogFilePrefix", "")
        enabled = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": prefix}}
    adapter.client("s3").put_bucket_logging(Bucket=bucket, BucketLoggingStatus=enabled)


def _versioning(bucket: str, value: Any, _props: adapter.Props) -> None:
    s3 = adapter.client("s3")
    if value or s3.get_bucket_versioning(Bucket=bucket).get("Status"):
        status = (value or {}).get("Status", "Suspended")
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def _accelerate(bucket: str, value: Any, _props: adapter.Props) -> None:
    status = (value or {}).get("AccelerationStatus", "Suspended")
    adapter.client("s3").put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": status})


def _object_lock(bucket: str, value: Any, _props: adapter.Props) -> None:
    lock = value or {"ObjectLockEnabled": "Enabled"}
    adapter.call("s3", "put_object_lock_configuration", {"Bucket": bucket, "ObjectLockConfiguration": lock})


def _object_lock_enabled(bucket: str, value: Any, props: adapter.Props) -> None:
    if adapter.boolean(value) and not props.get("ObjectLockConfiguration"):
        s3 = adapter.client("s3")
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        _object_lock(bucket, None, props)


def _numbered(operation: str, member: str, identity: str = "Id") -> completion.Setter:
    def put(bucket: str, value: Any, _props: adapter.Props) -> None:
        for item in value or []:
            adapter.call("s3", operation, {"Bucket": bucket, "Id": item[identity], member: item})

    return put


def _delete(original: adapter.Builtin) -> adapter.Delete:
    def delete(bucket: str, props: adapter.Props) -> None:
        objects = adapter.client("s3").list_object_versions(Bucket=bucket, MaxKeys=1)
        if objects.get("Versions") or objects.get("DeleteMarkers"):
            raise BucketNotEmptyError(
                f"The bucket you tried to delete is not empty: {bucket} (Service: S3, Status Code: 409)"
            )
        adapter.client("s3").delete_bucket_ownership_controls(
            Bucket=bucket
        )  # the built-in handler does not delete them
        original.delete(bucket, props)

    return delete


_ALGORITHM = "x-amz-server-side-encryption"
_KEY = "x-amz-server-side-encryption-aws-kms-key-id"


def _with_managed_key(original: Any) -> Any:
    """A write with aws:kms but without a key uses the bucket's key, or the account's key for S3, as on AWS."""

    def resolve(headers: Mapping[str, str], bucket: str) -> Any:
        if headers.get(_ALGORITHM) == "aws:kms" and not headers.get(_KEY):
            default = s3._bucket_default_sse_headers(bucket)
            headers = {**headers, _KEY: default.get(_KEY) or adapter.arn("kms", "alias/aws/s3")}
        return original(headers, bucket)

    return resolve


def install() -> None:
    """Complete `AWS::S3::Bucket`."""
    s3._resolve_sse_write_headers = _with_managed_key(s3._resolve_sse_write_headers)
    setters: dict[str, completion.Setter] = {
        "Tags": _tags,
        "BucketEncryption": _encryption,
        "VersioningConfiguration": _versioning,
        "OwnershipControls": _ownership,
        "AccessControl": _access_control,
        "LifecycleConfiguration": _lifecycle,
        "LoggingConfiguration": _logging,
        "AccelerateConfiguration": _accelerate,
        "ObjectLockEnabled": _object_lock_enabled,
        "ObjectLockConfiguration": _object_lock,
        "MetricsConfigurations": _numbered("put_bucket_metrics_configuration", "MetricsConfiguration"),
    }
    refused = (*_REFUSED, "IntelligentTieringConfigurations")
    original = adapter.builtin("AWS::S3::Bucket")
    completion.complete("AWS::S3::Bucket", setters, refused=refused, delete=_delete(original))
