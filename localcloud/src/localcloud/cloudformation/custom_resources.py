"""Custom resources: a response URL that containers reach, a shorter timeout, and three built-in custom resources.

The function of BucketDeployment needs a command line tool from a layer, and without Docker there are no layers. So
without Docker it is built in, with the same API calls and rules as the function. Database users are then built in too,
as there is no database. Auto-delete of objects is always built in.
"""

from __future__ import annotations

import io
import mimetypes
import time
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import ClientError
from ministack.services.cloudformation import custom_resource, provisioners

from localcloud import adapter, settings

SYMBOLS: tuple[str, ...] = (
    "ministack.services.cloudformation.custom_resource:_gateway_url",
    "ministack.services.cloudformation.custom_resource:invoke_custom_resource",
    "ministack.services.cloudformation.provisioners:_custom_resource_create",
)

WAIT_SECONDS = 300  # AWS waits an hour for a response, too long for a developer who watches


# --- BucketDeployment ------------------------------------------------------------------------------------------------


def _files(props: adapter.Props) -> Iterator[tuple[str, bytes]]:
    """Yields the names and contents of the source files, with the markers of late-bound values replaced."""
    s3 = adapter.client("s3")
    markers = props.get("SourceMarkers") or []
    sources = zip(props["SourceBucketNames"], props["SourceObjectKeys"], strict=True)
    for index, (bucket, key) in enumerate(sources):
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        values = markers[index] if index < len(markers) else {}
        if not adapter.boolean(props.get("Extract", True)):
            yield key.rsplit("/", 1)[-1], body
            continue
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for name in archive.namelist():
                if not name.endswith("/"):
                    yield name, _marked(archive.read(name), values)


def _marked(data: bytes, values: dict[str, Any]) -> bytes:
    for marker, value in values.items():
        data = data.replace(marker.encode(), str(value).encode())
    return data


_SYSTEM_METADATA = {
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
    "content-type": "ContentType",
    "storage-class": "StorageClass",
}


def _headers(name: str, props: adapter.Props) -> dict[str, Any]:
    headers: dict[str, Any] = {"ContentType": mimetypes.guess_type(name)[0] or "binary/octet-stream"}
    for key, value in (props.get("SystemMetadata") or {}).items():
        if key in _SYSTEM_METADATA:
            headers[_SYSTEM_METADATA[key]] = value
    if props.get("UserMetadata"):
        headers["Metadata"] = props["UserMetadata"]
    return headers


def _wanted(name: str, props: adapter.Props) -> bool:
    if any(fnmatchcase(name, pattern) for pattern in props.get("Include") or []):
        return True
    return not any(fnmatchcase(name, pattern) for pattern in props.get("Exclude") or [])


def _prefix(props: adapter.Props) -> str:
    prefix = str(props.get("DestinationBucketKeyPrefix") or "").strip("/")
    return f"{prefix}/" if prefix else ""


def deploy(props: adapter.Props) -> dict[str, Any]:
    """Copy the sources to the destination, prune it, and invalidate the distribution's cache."""
    s3, bucket, prefix = adapter.client("s3"), props["DestinationBucketName"], _prefix(props)
    written = set()
    for name, data in _files(props):
        if _wanted(name, props):
            written.add(prefix + name)
            s3.put_object(Bucket=bucket, Key=prefix + name, Body=data, **_headers(name, props))
    if adapter.boolean(props.get("Prune", True)):
        stale = [
            key for key in _keys(bucket, prefix) if key not in written and _wanted(key.removeprefix(prefix), props)
        ]
        _remove(bucket, [{"Key": key} for key in stale])
    _invalidate(props)
    return {"DestinationBucketArn": f"arn:aws:s3:::{bucket}", "SourceObjectKeys": props["SourceObjectKeys"]}


def _keys(bucket: str, prefix: str) -> list[str]:
    pages = adapter.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def _invalidate(props: adapter.Props) -> None:
    if not props.get("DistributionId"):
        return
    paths = props.get("DistributionPaths") or [f"/{_prefix(props)}*"]
    batch = {"CallerReference": str(time.time_ns()), "Paths": {"Quantity": len(paths), "Items": paths}}
    adapter.client("cloudfront").create_invalidation(DistributionId=props["DistributionId"], InvalidationBatch=batch)


def _deployment_create(logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    return f"aws.cdk.s3deployment.{logical_id}", deploy(props)


def _deployment_update(physical_id: str, old: adapter.Props, new: adapter.Props, _stack_name: str) -> adapter.Result:
    moved = adapter.changed(old, new, "DestinationBucketName", "DestinationBucketKeyPrefix")
    attributes = deploy(new)
    if moved and not adapter.boolean(new.get("RetainOnDelete", True)):
        _deployment_delete(physical_id, old)
    return physical_id, attributes


def _deployment_delete(_physical_id: str, props: adapter.Props) -> None:
    if not adapter.boolean(props.get("RetainOnDelete", True)):
        bucket = props["DestinationBucketName"]
        _remove(bucket, [{"Key": key} for key in _keys(bucket, _prefix(props))])


# --- auto-delete -----------------------------------------------------------------------------------------------------

AUTO_DELETE_TAG = "aws-cdk:auto-delete-objects"
_BATCH = 1000


def _remove(bucket: str, objects: list[dict[str, str]]) -> None:
    for start in range(0, len(objects), _BATCH):
        batch = {"Objects": objects[start : start + _BATCH], "Quiet": True}
        adapter.client("s3").delete_objects(Bucket=bucket, Delete=batch)


def _empty(bucket: str) -> None:
    pages = adapter.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket)
    versions = [item for page in pages for kind in ("Versions", "DeleteMarkers") for item in page.get(kind, [])]
    _remove(bucket, [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in versions])


def _auto_delete_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    return props["BucketName"], {}


def _auto_delete(bucket: str, _props: adapter.Props) -> None:
    """Empty the bucket if it still has the tag: CloudFormation removes the tag when the bucket is to be retained."""
    try:
        tags = adapter.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchTagSet", "NoSuchBucket"}:
            return
        raise
    if {"Key": AUTO_DELETE_TAG, "Value": "true"} in tags:
        _empty(bucket)


# --- database users --------------------------------------------------------------------------------------------------


def _users_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    """Create nothing: without Docker there is no database."""
    return props["Owner"], {}


# --- timeout and response URL ----------------------------------------------------------------------------------------


def _bounded(original: Any) -> Any:
    def invoke(request_type: str, logical_id: str, props: adapter.Props, *rest: Any, **more: Any) -> Any:
        return original(request_type, logical_id, {"ServiceTimeout": WAIT_SECONDS, **props}, *rest, **more)

    return invoke


def install() -> None:
    """Correct the response URL, limit the timeout, and register the built-in custom resources."""
    address = settings.current().container_url
    custom_resource._gateway_url = lambda: address
    invoke = _bounded(custom_resource.invoke_custom_resource)
    for module in (custom_resource, provisioners):
        if hasattr(module, "invoke_custom_resource"):
            module.invoke_custom_resource = invoke
    if not settings.current().docker:
        adapter.register(
            "Custom::CDKBucketDeployment",
            _deployment_create,
            _deployment_delete,
            _deployment_update,
            send_back_failed_update=True,
        )
        adapter.register(
            "Custom::DatabaseUsers",
            _users_create,
            lambda _owner, _props: None,
            lambda _owner, _old, new, _stack: (new["Owner"], {}),
        )
    adapter.register(
        "Custom::S3AutoDeleteObjects",
        _auto_delete_create,
        _auto_delete,
        lambda _bucket, _old, new, _stack: (new["BucketName"], {}),
    )
