"""Which files of a build are its artifacts, and where they go in S3."""

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
from localcloud.codebuild.errors import CLIENT_ERROR, BuildError, refused
from localcloud.codebuild.identity import Role
from localcloud.codebuild.source import split

DEFAULT_KEY = "alias/aws/codebuild"


class Tree:
    """The files of a folder of the build, out of its tar archive."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._packed = io.BytesIO(b"".join(chunks) or bytes(tarfile.RECORDSIZE))
        self._members: dict[str, tarfile.TarInfo] = {}
        self._tar = tarfile.open(fileobj=self._packed)  # noqa: SIM115 - read as long as the tree is
        for member in self._tar:
            name = member.name.partition("/")[2]  # the archive begins with the folder itself
            if name and (member.isreg() or member.issym() or member.islnk()):
                self._members[name] = member

    def names(self) -> list[str]:
        """Paths of files, relative to the folder."""
        return sorted(self._members)

    def read(self, name: str) -> bytes:
        """The content of a file; a link to nothing inside the folder is empty."""
        try:
            stream = self._tar.extractfile(self._members[name])
        except KeyError:
            return b""
        return stream.read() if stream is not None else b""

    def mode(self, name: str) -> int:
        """Its permissions."""
        return self._members[name].mode


def pattern(glob: str) -> re.Pattern[str]:
    """A glob of a buildspec: `*` within a folder, `**` over folders."""
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
    """Path -> name in the artifact, of the files that were chosen."""
    wanted = [pattern(glob) for glob in chosen.files]
    # A folder that is named alone stands for what is in it.
    wanted += [pattern(glob.rstrip("/") + "/**/*") for glob in chosen.files if not glob.endswith("*")]
    excluded = [pattern(glob) for glob in chosen.exclude_paths]
    found = {}
    for name in names:
        if any(one.match(name) for one in wanted) and not any(one.match(name) for one in excluded):
            found[name] = name.rpartition("/")[2] if chosen.discard_paths else name
    return found


def pack(tree: Tree, chosen: Mapping[str, str]) -> bytes:
    """A zip archive of the chosen files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, name in chosen.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100000 | tree.mode(path)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, tree.read(path))
    return target.getvalue()


def base(chosen: Files, archive: Callable[[str], Iterable[bytes] | None], *, required: bool) -> Tree:
    """The files below the base directory."""
    chunks = archive(chosen.base_directory)
    if chunks is None:
        if not required:
            return Tree(())
        raise BuildError(CLIENT_ERROR, f"no matching base directory path found for {chosen.base_directory or '.'}")
    return Tree(chunks)


def key_of(target: Mapping[str, Any], project: str, build_uuid: str, name: str) -> str:
    """The key of an artifact, or the folder of unpacked ones."""
    own = name if target.get("overrideArtifactName") and name else target.get("name") or project
    between = build_uuid if target.get("namespaceType") == "BUILD_ID" else ""
    return "/".join(part.strip("/") for part in (target.get("path") or "", between, own) if part.strip("/"))


def zipped(target: Mapping[str, Any]) -> bool:
    """Whether the artifact is one zip archive; a pipeline's always is."""
    return bool(target.get("type") == "CODEPIPELINE" or target.get("packaging") == "ZIP")


class Uploader:
    """Puts artifacts into S3 as the build's role, encrypted with the project's key if it has one."""

    def __init__(self, role: Role, target: Mapping[str, Any], encryption_key: str) -> None:
        self._role, self._target = role, target
        self._bucket, self._prefix = split(str(target["location"]))
        own_key = bool(encryption_key) and not encryption_key.endswith(DEFAULT_KEY)
        encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": encryption_key}
        self._extra = encrypted if own_key and not target.get("encryptionDisabled") else {}

    def upload(self, tree: Tree, chosen: Mapping[str, str], key: str) -> str:
        """Upload; the ARN of the object, or of the folder."""
        key = "/".join(part for part in (self._prefix.strip("/"), key) if part)
        if zipped(self._target):
            self._put(key, pack(tree, chosen))
        else:
            for path, name in chosen.items():
                self._put(f"{key}/{name}", tree.read(path))
        return f"arn:aws:s3:::{self._bucket}/{key}"

    def _put(self, key: str, content: bytes) -> None:
        try:
            self._role.client("s3").put_object(Bucket=self._bucket, Key=key, Body=content, **self._extra)
        except ClientError as error:
            raise refused(error, self._role.arn, f"upload the artifact s3://{self._bucket}/{key}") from error
