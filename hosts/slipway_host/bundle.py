"""The bundle of a release: a tar.gz of regular files, whose SHA-256 is verified before anything is unpacked."""

from __future__ import annotations

import hashlib
import tarfile
from dataclasses import dataclass
from pathlib import Path

from slipway_host.output import Failed
from slipway_host.settings import checked

_LIMIT = 200_000_000  # bytes, unpacked: more is no configuration any more


@dataclass(frozen=True)
class File:
    """A file of a release."""

    content: bytes
    mode: int


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def unpacked(path: Path, expected: str) -> dict[str, File]:
    """Returns the files of a bundle by name.

    Raises:
        Failed: if it is not the bundle with this SHA-256, or holds anything but regular files below its folder.
    """
    found = sha256(path)
    if found != expected:
        raise Failed(
            f"the bundle has the SHA-256 {found}, not {expected}: it was changed after the build; nothing was unpacked"
        )
    try:
        with tarfile.open(path, "r:gz") as archive:
            return _files(archive)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Failed(f"the bundle {expected} cannot be read: {error}") from None


def _files(archive: tarfile.TarFile) -> dict[str, File]:
    files: dict[str, File] = {}
    left = _LIMIT
    for member in archive:
        if member.isdir():
            continue
        name = checked(member.name)
        if not member.isreg():
            raise Failed(f"the bundle holds {name}, which is a link or a device: a release has regular files only")
        left -= member.size
        if left < 0:
            raise Failed(f"the bundle holds more than {_LIMIT // 1_000_000} MB: put large files into an image")
        stream = archive.extractfile(member)
        if name in files or stream is None:
            raise Failed(f"the bundle holds {name} twice")
        files[name] = File(stream.read(), 0o755 if member.mode & 0o100 else 0o644)
    return files
