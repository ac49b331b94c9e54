"""S3 deploy: uploads an artifact to a bucket, as a zip archive or extracted.

docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3Deploy.html
"""

from __future__ import annotations

import mimetypes
from typing import Any

from localcloud.codepipeline import artifacts
from localcloud.codepipeline.actions.work import Work
from localcloud.codepipeline.errors import ActionError


def run(work: Work) -> dict[str, str]:
    """Uploads the artifact. In the category Source the provider is not supported."""
    if work.attempt.declaration["actionTypeId"]["category"] != "Deploy":
        raise ActionError("The local cloud has no action provider S3 of category Source", "ConfigurationError")
    s3, bucket = work.client("s3"), work.option("BucketName")
    options: dict[str, Any] = {}
    if work.configuration.get("CacheControl"):
        options["CacheControl"] = work.configuration["CacheControl"]
    if work.option("Extract", "false").lower() != "true":
        body = artifacts.get(s3, work.artifact())
        s3.put_object(Bucket=bucket, Key=work.option("ObjectKey"), Body=body, **options)
        return {}
    prefix = work.configuration.get("ObjectKey", "").strip("/")
    content = artifacts.files(s3, work.artifact())
    for path, body in content.items():
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        key = f"{prefix}/{path}" if prefix else path
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind, **options)
        work.pause(0)
    work.note(summary=f"{len(content)} files")
    return {}
