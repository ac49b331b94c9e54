"""The files of a checkout that strangers wrote: bounded, only below the checkout, and only as text."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cached_property
from pathlib import Path, PurePosixPath

MOST_FILES = 20_000
DEEPEST = 12
LARGEST = 512 * 1024
"""Bytes of a file that is read; larger ones are left out."""
MOST_BYTES = 32 * 1024 * 1024
"""Bytes of all files together that are read."""
# Folders of packages, builds and tools: nothing in them is the product's own.
_IGNORED = frozenset(
    {
        *("venv", "env", "site-packages", "__pycache__"),
        *("node_modules", "bower_components"),
        *("vendor", "target", "cdk.out"),
        *("htmlcov", "coverage", "storybook-static"),
    }
)

_SHOWN = frozenset({".envs", ".docker", ".deploy"})


@dataclass(frozen=True, order=True)
class Place:
    """A file of the checkout, and a line in it."""

    path: str
    line: int = 0
    """Counted from 1; 0 for the whole file."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass
class Tree:
    """A checkout. Links that lead out of it are not followed, nor links to folders; nothing is executed."""

    root: Path
    skipped: dict[str, str] = field(default_factory=dict)
    """Files that were not read, each with the reason."""
    _named: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    _read: dict[str, str | None] = field(default_factory=dict)
    memory: dict[tuple[str, ...], list[object]] = field(default_factory=dict)
    """Results of readers that several others need."""
    _bytes: int = 0

    @cached_property
    def files(self) -> list[str]:
        """The paths of its files with `/`, in alphabetical order, those of nearer folders first."""
        found: list[str] = []
        top = str(self.root)
        for folder, folders, names in os.walk(top, followlinks=False):
            inner = PurePosixPath(Path(folder).relative_to(top).as_posix())
            if len(inner.parts) >= DEEPEST:
                self.skipped[f"{inner}/"] = f"more than {DEEPEST} folders deep"
                folders.clear()
            folders[:] = sorted(name for name in folders if _is_own(name) and _printable(name))
            for name in sorted(names):
                if not _printable(name):
                    continue
                if len(found) >= MOST_FILES:
                    self.skipped["."] = f"the checkout has more than {MOST_FILES} files; the rest was not looked at"
                    return sorted(found, key=_near)
                found.append(str(inner / name))
        return sorted(found, key=_near)

    @cached_property
    def folders(self) -> frozenset[str]:
        """The paths of the folders that have files, at any depth; `.` is the checkout."""
        return frozenset(str(parent) for path in self.files for parent in PurePosixPath(path).parents)

    def has(self, path: str) -> bool:
        """True if there is such a file."""
        return normal(path) in self._known

    def named(self, *patterns: str) -> list[str]:
        """Returns the files whose name, or whose path if the pattern has a slash, matches one of the patterns."""
        if patterns not in self._named:
            shape = [("/" in pattern, re.compile(translate(pattern))) for pattern in patterns]
            self._named[patterns] = [
                path
                for path in self.files
                if any(found.match(path if whole else path.rpartition("/")[2]) for whole, found in shape)
            ]
        return self._named[patterns]

    def text(self, path: str) -> str | None:
        """Returns the text of a file; None if it does not exist, is no text, is too large, or is outside."""
        path = normal(path)
        if path not in self._read:
            self._read[path] = self._text(path) if path in self._known else None
        return self._read[path]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.files)

    def _text(self, path: str) -> str | None:
        try:
            return self._decoded(self.root / path)
        except _NotReadError as error:
            self.skipped[path] = str(error)
        except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle
            self.skipped[path] = f"cannot be read: {type(error).__name__}"
        return None

    def _decoded(self, where: Path) -> str:
        real = where.resolve(strict=True)
        if not real.is_relative_to(self.root.resolve()):
            raise _NotReadError("a link that leads out of the checkout")
        state = real.stat()
        if not stat.S_ISREG(state.st_mode):
            raise _NotReadError("not a file")
        if state.st_size > LARGEST:
            raise _NotReadError(f"larger than {LARGEST // 1024} KiB")
        if self._bytes + state.st_size > MOST_BYTES:
            raise _NotReadError(f"more than {MOST_BYTES // 1024 // 1024} MiB were read before")
        with real.open("rb") as file:
            content = file.read(LARGEST + 1)  # it may grow meanwhile
        self._bytes += len(content)
        if len(content) > LARGEST or b"\0" in content:
            raise _NotReadError("no text")
        try:
            return content.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            raise _NotReadError("no UTF-8 text") from None


class _NotReadError(Exception):
    """A file is not read; `str()` says why."""


def normal(path: str) -> str:
    """Returns a path without `./` and `..`; the empty text if it leaves the checkout."""
    parts: list[str] = []
    for part in PurePosixPath(path.replace("\\", "/")).parts:
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part == "/":
            return ""
        else:
            parts.append(part)
    return "/".join(parts) or "."


def joined(folder: str, path: str) -> str:
    """Returns a path that is given relative to a folder of the checkout; the empty text if it leaves the checkout."""
    return normal(f"{folder}/{path}")


def folder_of(path: str) -> str:
    """Returns the folder of a file; `.` is the checkout."""
    return str(PurePosixPath(path).parent)


def line_of(text: str, pattern: str) -> int:
    """Returns the first line in which a regular expression matches, counted from 1; 0 if there is none."""
    found = re.search(pattern, text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 0


def _is_own(folder: str) -> bool:
    """True if a folder may have files of the product; those of tools begin with a dot."""
    return folder not in _IGNORED and (not folder.startswith(".") or folder in _SHOWN)


def _near(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _printable(name: str) -> bool:
    """True for names that can be shown: a name may contain line breaks, and bytes that are no text."""
    return name.isprintable() and len(name) <= 255  # noqa: PLR2004 - the longest name of common file systems
