"""Files below one folder, written and removed as root without following a link that a container has planted there."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path, PurePosixPath
from typing import Iterator

from slipway_host.output import Failed

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Folder:
    """A folder of a release. Names are relative, as `settings.checked` accepts them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, content: bytes, mode: int) -> None:
        """Writes a file so that a reader sees the old or the new one, never a part.

        Raises:
            Failed: if a folder or a link is in its place, or its folder is a link.
        """
        with self._parent(name, create=True) as (parent, last):
            temporary = f".{last}.{os.getpid()}.new"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=parent)
            file = os.open(temporary, _NEW, 0o600, dir_fd=parent)
            with os.fdopen(file, "wb") as stream:
                os.fchmod(stream.fileno(), mode)
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            # Docker makes a folder where a file that it mounts was missing.
            with contextlib.suppress(OSError):
                os.rmdir(last, dir_fd=parent)
            try:
                os.rename(temporary, last, src_dir_fd=parent, dst_dir_fd=parent)
            except IsADirectoryError:
                os.unlink(temporary, dir_fd=parent)
                raise Failed(
                    f"{self.path / name} is a folder with files; the release has a file there: move it away"
                ) from None

    def remove(self, name: str) -> None:
        """Removes a file and the folders that are empty then; a missing one is no error."""
        path = PurePosixPath(name)
        with contextlib.suppress(OSError, Failed), self._parent(name, create=False) as (parent, last):
            os.unlink(last, dir_fd=parent)
        for folder in list(path.parents)[:-1]:
            try:
                with self._parent(str(folder), create=False) as (parent, last):
                    os.rmdir(last, dir_fd=parent)
            except (OSError, Failed):
                return

    @contextlib.contextmanager
    def _parent(self, name: str, *, create: bool) -> Iterator[tuple[int, str]]:
        """Opens the folder that holds a file, one step after the other."""
        *folders, last = PurePosixPath(name).parts
        current = os.open(self.path, _DIRECTORY)
        try:
            for step in folders:
                if create:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(step, 0o755, dir_fd=current)
                try:
                    following = os.open(step, _DIRECTORY, dir_fd=current)
                except NotADirectoryError:
                    raise Failed(
                        f"{self.path / name}: {step} is a link or a file, not a folder: move it away"
                    ) from None
                os.close(current)
                current = following
            yield current, last
        finally:
            os.close(current)
