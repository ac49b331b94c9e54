"""Artifacts: zips in the pipeline's artifact store, written and read with the rights of the action's role."""

from __future__ import annotations

import io
import json
import secrets
import zipfile
from typing import Any

from botocore.exceptions import ClientError

from localcloud.codepipeline.errors import ActionError
from localcloud.codepipeline.model import Artifact, Declaration

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def store(pipeline: Declaration, region: str) -> dict[str, Any]:
    """The artifact store of a region, as declared."""
    stores = pipeline.get("artifactStores") or {}
    declared: dict[str, Any] = pipeline.get("artifactStore") or stores.get(region) or next(iter(stores.values()))
    return declared


def place(pipeline: Declaration, region: str, name: str) -> Artifact:
    """Where a new artifact will lie, named as CodePipeline names them."""
    unique = "".join(secrets.choice(_ALPHABET) for _ in range(7))
    return Artifact(name, store(pipeline, region)["location"], f"{pipeline['name'][:20]}/{name[:10]}/{unique}")


def put(s3: Any, pipeline: Declaration, region: str, artifact: Artifact, content: bytes) -> None:
    """Upload an artifact, encrypted with the key of the store."""
    key = store(pipeline, region).get("encryptionKey")
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["id"]} if key else {}
    s3.put_object(Bucket=artifact.bucket, Key=artifact.key, Body=content, ContentType="application/zip", **encryption)


def get(s3: Any, artifact: Artifact) -> bytes:
    """Download an artifact."""
    try:
        content: bytes = s3.get_object(Bucket=artifact.bucket, Key=artifact.key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchBucket"}:
            said = f"The artifact {artifact.name} is not there: s3://{artifact.bucket}/{artifact.key}"
            raise ActionError(said, "RevisionUnavailable") from error
        raise
    return content


def read(s3: Any, artifact: Artifact, path: str) -> bytes:
    """One file of an artifact."""
    with _opened(get(s3, artifact), artifact) as archive:
        try:
            return archive.read(path)
        except KeyError:
            said = f"The artifact {artifact.name} has no file {path}. It has: {', '.join(archive.namelist()[:20])}"
            raise ActionError(said, "ConfigurationError") from None


def files(s3: Any, artifact: Artifact) -> dict[str, bytes]:
    """Every file of an artifact."""
    with _opened(get(s3, artifact), artifact) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()}


def zipped(content: dict[str, bytes]) -> bytes:
    """A zip of files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in content.items():
            archive.writestr(name, body)
    return packed.getvalue()


def policy(inputs: list[Artifact], outputs: list[Artifact]) -> str:
    """The policy that lets its holder read the inputs and write the outputs of one action, nothing else."""

    def statement(action: str, some: list[Artifact]) -> dict[str, Any]:
        return {"Effect": "Allow", "Action": action, "Resource": [f"arn:aws:s3:::{a.bucket}/{a.key}" for a in some]}

    statements = [statement("s3:GetObject*", inputs)] if inputs else []
    statements += [statement("s3:PutObject*", outputs)] if outputs else []
    keys = {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements, keys]})


def _opened(content: bytes, artifact: Artifact) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        said = f"The artifact {artifact.name} (s3://{artifact.bucket}/{artifact.key}) is not a zip"
        raise ActionError(said, "ConfigurationError") from error
