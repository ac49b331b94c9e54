"""Sources of a build: none, a zip archive in S3, or a key prefix in S3; downloaded as the build's role."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from localcloud.codebuild.container import SOURCE, BuildContainer
from localcloud.codebuild.errors import CLIENT_ERROR, BuildError, api_error
from localcloud.codebuild.identity import Role

S3_TYPES = ("S3", "CODEPIPELINE")
_PLAIN_FILE_MODE = 0o644


@dataclass(frozen=True)
class Source:
    """A downloaded source: its files as a tar archive, and its version."""

    archive: bytes
    version: str = ""


def folder_of(identifier: str) -> str:
    """Returns the folder of a secondary source in the container."""
    return f"{SOURCE}_{identifier}"


def split(location: str) -> tuple[str, str]:
    """Returns bucket and key of ``bucket/key`` or of an ARN."""
    bucket, _, key = location.removeprefix("arn:aws:s3:::").partition("/")
    return bucket, key


def download(role: Role, source: Mapping[str, Any], version: str) -> Source:
    """Downloads a source as the build's role."""
    kind = source.get("type", "NO_SOURCE")
    if kind == "NO_SOURCE":
        return Source(tar_of({}))
    if kind not in S3_TYPES:
        raise BuildError(
            CLIENT_ERROR,
            f"the local cloud does not support the source type {kind}; use S3, CODEPIPELINE or NO_SOURCE, or start the "
            "build with sourceTypeOverride=S3 and sourceLocationOverride=bucket/key",
        )
    location = str(source.get("location") or "")
    if not location:
        raise BuildError(
            CLIENT_ERROR, f"a {kind} source needs a location bucket/key; a pipeline passes it to StartBuild"
        )
    bucket, key = split(location)
    return _folder(role, bucket, key) if key.endswith("/") or not key else _object(role, bucket, key, version)


def _object(role: Role, bucket: str, key: str, version: str) -> Source:
    request = {"Bucket": bucket, "Key": key} | ({"VersionId": version} if version else {})
    try:
        answer = role.client("s3").get_object(**request)
        content = answer["Body"].read()
    except ClientError as error:
        raise api_error(error, role.arn, f"download the source s3://{bucket}/{key}") from error
    found = str(answer.get("VersionId") or answer.get("ETag", "").strip('"'))
    packed = io.BytesIO(content)
    if not zipfile.is_zipfile(packed):
        raise BuildError(CLIENT_ERROR, f"the source s3://{bucket}/{key} is not a zip archive")
    return Source(_from_zip(packed), found)


def _folder(role: Role, bucket: str, prefix: str) -> Source:
    s3 = role.client("s3")
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/")]
        files = {key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
    except ClientError as error:
        raise api_error(error, role.arn, f"download the source s3://{bucket}/{prefix}") from error
    return Source(tar_of(files))


def _from_zip(packed: io.BytesIO) -> bytes:
    """Converts a zip archive to a tar archive with the same permissions and links."""
    target = io.BytesIO()
    with zipfile.ZipFile(packed) as archive, tarfile.open(fileobj=target, mode="w") as tar:
        for entry in archive.infolist():
            mode = entry.external_attr >> 16
            member = tarfile.TarInfo(entry.filename.rstrip("/"))
            member.mode = stat.S_IMODE(mode) or (0o755 if entry.is_dir() else _PLAIN_FILE_MODE)
            content = b"" if entry.is_dir() else archive.read(entry)
            if stat.S_ISLNK(mode):
                member.type, member.linkname = tarfile.SYMTYPE, content.decode()
            elif entry.is_dir():
                member.type = tarfile.DIRTYPE
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))
    return target.getvalue()


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """Returns a tar archive of plain files."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), _PLAIN_FILE_MODE
            tar.addfile(member, io.BytesIO(content))
    return target.getvalue()


def copy_into(container: BuildContainer, main: Source, secondary: Mapping[str, Source]) -> None:
    """Copies the sources into their folders in the container."""
    container.put_archive(SOURCE, main.archive)
    for identifier, source in secondary.items():
        container.put(folder_of(identifier), {".codebuild": b""})
        container.put_archive(folder_of(identifier), source.archive)
