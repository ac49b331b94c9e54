"""Publishes a built frontend in an order that never shows a visitor an incomplete one."""

from __future__ import annotations

import json
import mimetypes
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.target import Target

_IMMUTABLE = "public, max-age=31536000, immutable"
_NO_CACHE = "no-cache"
_HASHED = re.compile(r"^assets/.+-[A-Za-z0-9_-]{8,}\.\w+$")  # the names of Vite's hashed files
_RECORDS = "releases/"


def publish(target: Target, folder: Path, release: str, keep_releases: int) -> list[str]:
    """Uploads hashed assets, then other files, `index.html` last, and deletes the assets of old releases.

    Returns the paths to invalidate in CloudFront.

    Raises:
        ReleaseError: if there is no built frontend in `folder`.
    """
    if not (folder / "index.html").is_file():
        raise ReleaseError(f"no index.html in {folder}: build the frontend first")
    bucket, s3 = target.output("edge", "SiteBucketName"), target.client("s3")
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assets = [name for name in files if _HASHED.match(name)]
    pages = [name for name in files if name not in assets]
    for name in sorted(assets) + sorted(pages, key=lambda name: (name == "index.html", name)):
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        s3.put_object(
            Bucket=bucket,
            Key=name,
            Body=(folder / name).read_bytes(),
            ContentType=kind,
            CacheControl=_IMMUTABLE if name in assets else _NO_CACHE,
        )
    _delete_old_assets(s3, bucket, release, assets, keep_releases)
    return [f"/{name}" for name in pages]


def invalidate(target: Target, paths: list[str], release: str) -> None:
    """Invalidates the paths in CloudFront, and waits until that is complete."""
    cloudfront = target.client("cloudfront")
    distribution = target.output("edge", "DistributionId")
    # For a known reference, CloudFront returns the previous invalidation and creates no new one.
    batch = {"Paths": {"Quantity": len(paths), "Items": paths}, "CallerReference": f"{release}-{uuid4()}"}
    made = cloudfront.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)["Invalidation"]
    if made["Status"] != "Completed":
        waiter = cloudfront.get_waiter("invalidation_completed")
        waiter.wait(DistributionId=distribution, Id=made["Id"], WaiterConfig={"Delay": 5, "MaxAttempts": 120})


def _delete_old_assets(s3: Any, bucket: str, release: str, assets: list[str], keep: int) -> None:
    s3.put_object(
        Bucket=bucket,
        Key=f"{_RECORDS}{release}.json",
        Body=json.dumps(assets).encode(),
        ContentType="application/json",
        CacheControl=_NO_CACHE,
    )
    records = [
        record
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=_RECORDS)
        for record in page.get("Contents", [])
    ]
    records.sort(key=lambda record: record["LastModified"], reverse=True)
    listed = {
        record["Key"]: set(json.loads(s3.get_object(Bucket=bucket, Key=record["Key"])["Body"].read()))
        for record in records
    }
    kept = set().union(*(listed[record["Key"]] for record in records[:keep]))
    for record in records[keep:]:
        for name in sorted(listed[record["Key"]] - kept):
            s3.delete_object(Bucket=bucket, Key=name)
        s3.delete_object(Bucket=bucket, Key=record["Key"])
