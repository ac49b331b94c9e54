"""Artifacts of a build: selects the files and uploads them to S3."""

from __future__ import annotations

import io
import posixpath
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from localcloud.codebuild.buildspec import Files
from localcloud.codebuild.errors import CLIENT_ERROR, BuildError, api_error
from localcloud.codebuild.identity import Role
from localcloud.codebuild.source import split

DEFAULT_KEY = "alias/aws/codebuild"


class Tree:
    """The files of a folder of the build, read from a tar archive of the folder."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._packed = io.BytesIO(b"".join(chunks) or bytes(tarfile.RECORDSIZE))
        self._members: dict[str, tarfile.TarInfo] = {}
        self._tar = tarfile.open(fileobj=self._packed)  # noqa: SIM115 - stays open as long as the tree exists
        for member in self._tar:
            name = member.name.partition("/")[2]  # the archive begins with the folder itself
            if name and (member.isreg() or member.issym() or member.islnk()):
                self._members[name] = member

    def names(self) -> list[str]:
        """Returns the paths of all files, relative to the folder."""
        return sorted(self._members)

    def read(self, name: str) -> bytes:
        """Returns the content of a file; empty for a link whose target is not inside the folder."""
        try:
            stream = self._tar.extractfile(self._members[name])
        except KeyError:
            return b""
        return stream.read() if stream is not None else b""

    def mode(self, name: str) -> int:
        """Returns the permissions of a file."""
        return self._members[name].mode


def pattern(glob: str) -> re.Pattern[str]:
    """Compiles a glob of a buildspec: `*` matches within a folder, `**` across folders."""
    cleaned = posixpath.normpath(glob) if glob else glob
    expression, rest = "", cleaned.removeprefix("./")
    while rest:
        if rest.startswith("**/"):
            expression, rest = expression + "(?:.*/)?", rest[3:]
        elif rest.startswith("**"):
            expression, rest = expression + ".*", rest[2:]
        elif rest[0] == "*":
            expression, rest = expression + "[^/]*", rest[1:]
        elif rest[0] == "?":
            expression, rest = expression + "[^/]", rest[1:]
        else:
            expression, rest = expression + re.escape(rest[0]), rest[1:]
    return re.compile(expression + r"\Z", re.DOTALL)


def choose(names: Iterable[str], chosen: Files) -> dict[str, str]:
    """Returns the selected files: path -> name in the artifact."""
    included = [pattern(glob) for glob in chosen.files]
    # The name of a folder selects all files below it.
    included += [pattern(glob.rstrip("/") + "/**/*") for glob in chosen.files if not glob.endswith("*")]
    excluded = [pattern(glob) for glob in chosen.exclude_paths]
    found = {}
    for name in names:
        if any(glob.match(name) for glob in included) and not any(glob.match(name) for glob in excluded):
            found[name] = name.rpartition("/")[2] if chosen.discard_paths else name
    return found


def pack(tree: Tree, chosen: Mapping[str, str]) -> bytes:
    """Returns a zip archive of the selected files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, name in chosen.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100000 | tree.mode(path)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, tree.read(path))
    return target.getvalue()


def base(chosen: Files, archive: Callable[[str], Iterable[bytes] | None], *, required: bool) -> Tree:
    """Returns the files below the base directory.

    Raises:
        BuildError: if the directory does not exist, but artifacts are required.
    """
    chunks = archive(chosen.base_directory)
    if chunks is None:
        if not required:
            return Tree(())
        raise BuildError(CLIENT_ERROR, f"no matching base directory path found for {chosen.base_directory or '.'}")
    return Tree(chunks)


def key_of(target: Mapping[str, Any], project: str, build_uuid: str, name: str) -> str:
    """Returns the object key of a zipped artifact, or the key prefix of one that is not zipped."""
    own = name if target.get("overrideArtifactName") and name else target.get("name") or project
    between = build_uuid if target.get("namespaceType") == "BUILD_ID" else ""
    return "/".join(part.strip("/") for part in (target.get("path") or "", between, own) if part.strip("/"))


def is_zipped(target: Mapping[str, Any]) -> bool:
    """True if the artifact is one zip archive; an artifact of a pipeline always is."""
    return bool(target.get("type") == "CODEPIPELINE" or target.get("packaging") == "ZIP")


class Uploader:
    """Uploads artifacts to S3 as the build's role, encrypted with the project's key if it has one."""

    def __init__(self, role: Role, target: Mapping[str, Any], encryption_key: str) -> None:
        self._role, self._target = role, target
        self._bucket, self._prefix = split(str(target["location"]))
        own_key = bool(encryption_key) and not encryption_key.endswith(DEFAULT_KEY)
        encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": encryption_key}
        self._extra = encrypted if own_key and not target.get("encryptionDisabled") else {}

    def upload(self, tree: Tree, chosen: Mapping[str, str], key: str) -> str:
        """Uploads the files and returns the ARN of the object, or of the key prefix."""
        key = "/".join(part for part in (self._prefix.strip("/"), key) if part)
        if is_zipped(self._target):
            self._put(key, pack(tree, chosen))
        else:
            for path, name in chosen.items():
                self._put(f"{key}/{name}", tree.read(path))
        return f"arn:aws:s3:::{self._bucket}/{key}"

    def _put(self, key: str, content: bytes) -> None:
        try:
            self._role.client("s3").put_object(Bucket=self._bucket, Key=key, Body=content, **self._extra)
        except ClientError as error:
            raise api_error(error, self._role.arn, f"upload the artifact s3://{self._bucket}/{key}") from error
