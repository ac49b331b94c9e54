"""The bucket of releases: bundles and records by their SHA-256, and the release that the environment runs."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deploy_hosts.settings import Release, Settings
from shared.aws import code
from shared.job import Artifact, Failed, Job
from shared.words import parsed

_FILE = "bundle.tar.gz"
_LIMIT = 100_000_000  # bytes; the function has 256 MiB of memory
_CURRENT = "current.json"


@dataclass(frozen=True)
class Current:
    """The release that the environment runs; both empty before the first one."""

    sha: str
    version: str


class Releases:
    """The bucket."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._s3: Any = settings.place.client("s3")

    def store(self, job: Job) -> None:
        """Writes the bundle and the record of the release.

        Raises:
            Failed: if the artifact holds another bundle than the build reported.
        """
        release = self._settings.release
        self._put(
            f"bundles/{release.bundle}.tar.gz", _bundle(job, self._settings.artifact, release), "application/gzip"
        )
        self._put(f"releases/{release.sha}.json", release.record, "application/json")

    def current(self) -> Current:
        """Returns the release that the environment runs."""
        try:
            content = self._s3.get_object(Bucket=self._settings.bucket, Key=_CURRENT)["Body"].read()
        except ClientError as error:
            if code(error) != "NoSuchKey":
                raise
            return Current("", "")
        try:
            version = str(parsed(content)["version"])
        except (KeyError, TypeError, ValueError):
            version = "unknown"
        return Current(hashlib.sha256(content).hexdigest(), version)

    def make_current(self) -> None:
        """Makes the release the one that hosts run which join later."""
        self._put(_CURRENT, self._settings.release.record, "application/json")

    def _put(self, key: str, content: bytes, kind: str) -> None:
        self._s3.put_object(Bucket=self._settings.bucket, Key=key, Body=content, ContentType=kind)


def _bundle(job: Job, name: str, release: Release) -> bytes:
    artifact = job.artifact(name)
    content = _unzipped(_read(artifact, name), name)
    found = hashlib.sha256(content).hexdigest()
    if found != release.bundle:
        raise Failed(
            f"the artifact {name} holds a bundle with the SHA-256 {found}, and the build reported "
            f"{release.bundle}: it was changed in between. Run the pipeline again"
        )
    return content


def _read(artifact: Artifact, name: str) -> bytes:
    found = artifact.client().get_object(Bucket=artifact.bucket, Key=artifact.key)
    content: bytes = found["Body"].read(_LIMIT + 1)
    if len(content) > _LIMIT:
        raise Failed(f"the artifact {name} has more than {_LIMIT} bytes: put large files into an image")
    return content


def _unzipped(packed: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            if archive.getinfo(_FILE).file_size > _LIMIT:
                raise Failed(f"{_FILE} in the artifact {name} is larger than {_LIMIT} bytes")
            return archive.read(_FILE)
    except (KeyError, zipfile.BadZipFile) as error:
        raise Failed(f"the artifact {name} has no {_FILE}: {error}. It must be the build {name}'s") from None
