"""Artifacts: zip archives in the pipeline's artifact store. An action reads and writes them with its role."""

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
    """Returns the declaration of the artifact store for a region."""
    stores = pipeline.get("artifactStores") or {}
    declared: dict[str, Any] = pipeline.get("artifactStore") or stores.get(region) or next(iter(stores.values()))
    return declared


def place(pipeline: Declaration, region: str, name: str) -> Artifact:
    """Returns a new artifact whose key has the same form as in AWS."""
    unique = "".join(secrets.choice(_ALPHABET) for _ in range(7))
    return Artifact(name, store(pipeline, region)["location"], f"{pipeline['name'][:20]}/{name[:10]}/{unique}")


def put(s3: Any, pipeline: Declaration, region: str, artifact: Artifact, content: bytes) -> None:
    """Uploads an artifact, encrypted with the key of the store."""
    key = store(pipeline, region).get("encryptionKey")
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["id"]} if key else {}
    s3.put_object(Bucket=artifact.bucket, Key=artifact.key, Body=content, ContentType="application/zip", **encryption)


def get(s3: Any, artifact: Artifact) -> bytes:
    """Downloads an artifact.

    Raises:
        ActionError: if it does not exist.
    """
    try:
        content: bytes = s3.get_object(Bucket=artifact.bucket, Key=artifact.key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchBucket"}:
            message = f"The artifact {artifact.name} does not exist: s3://{artifact.bucket}/{artifact.key}"
            raise ActionError(message, "RevisionUnavailable") from error
        raise
    return content


def read(s3: Any, artifact: Artifact, path: str) -> bytes:
    """Returns a file of an artifact.

    Raises:
        ActionError: if the artifact or the file does not exist.
    """
    with _opened(get(s3, artifact), artifact) as archive:
        try:
            return archive.read(path)
        except KeyError:
            message = f"The artifact {artifact.name} has no file {path}. It has: {', '.join(archive.namelist()[:20])}"
            raise ActionError(message, "ConfigurationError") from None


def files(s3: Any, artifact: Artifact) -> dict[str, bytes]:
    """Returns all files of an artifact, by path."""
    with _opened(get(s3, artifact), artifact) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()}


def zipped(content: dict[str, bytes]) -> bytes:
    """Returns a zip archive of files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in content.items():
            archive.writestr(name, body)
    return packed.getvalue()


def policy(inputs: list[Artifact], outputs: list[Artifact]) -> str:
    """Returns a policy that allows only to read the inputs and write the outputs of an action."""

    def statement(action: str, artifacts: list[Artifact]) -> dict[str, Any]:
        arns = [f"arn:aws:s3:::{artifact.bucket}/{artifact.key}" for artifact in artifacts]
        return {"Effect": "Allow", "Action": action, "Resource": arns}

    statements = [statement("s3:GetObject*", inputs)] if inputs else []
    statements += [statement("s3:PutObject*", outputs)] if outputs else []
    keys = {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements, keys]})


def _opened(content: bytes, artifact: Artifact) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        message = f"The artifact {artifact.name} (s3://{artifact.bucket}/{artifact.key}) is not a zip archive"
        raise ActionError(message, "ConfigurationError") from error
