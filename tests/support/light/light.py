"""`json` and `Path` for fake programs: a build starts dozens, each of which would spend most of its time on imports.

Both, as `typing`, import `re`. What a fake program asks of a path besides, `pathlib` does.
"""

from __future__ import annotations

import os
from _json import encode_basestring_ascii, make_encoder, make_scanner
from io import TextIOWrapper


class _Options:
    strict, object_hook, object_pairs_hook = True, None, None
    parse_float, parse_int, parse_constant = float, int, float


class json:  # noqa: N801 - it stands for the module
    """Reads and writes JSON with the functions of `json` that are written in C."""

    @staticmethod
    def loads(text: str) -> object:
        """Returns the value of a text."""
        read = make_scanner(_Options)  # type: ignore[arg-type]  # the stubs name the class, not what it takes
        return read(text.strip(), 0)[0]

    @staticmethod
    def load(file: TextIOWrapper) -> object:
        """Returns the value of a file."""
        return json.loads(file.read())

    @staticmethod
    def dumps(value: object) -> str:
        """Returns a value as text, on one line."""
        encode = make_encoder(None, str, encode_basestring_ascii, None, ": ", ", ", False, False, True)
        return "".join(encode(value, 0))


class Path:
    """The path of a file; other methods than these are those of `pathlib.Path`."""

    def __init__(self, *parts: str | os.PathLike[str]) -> None:
        self._path = os.path.join(*parts)  # noqa: PTH118 - this stands for pathlib

    def __fspath__(self) -> str:
        return self._path

    __str__ = __fspath__

    def __truediv__(self, name: str | os.PathLike[str]) -> Path:
        return Path(self._path, name)

    def exists(self) -> bool:
        """True if there is a file or a folder."""
        return os.access(self._path, os.F_OK)

    def open(self, mode: str = "r") -> TextIOWrapper:
        """Opens the file."""
        return open(self._path, mode)  # type: ignore[return-value]  # noqa: PTH123 - this stands for pathlib

    def read_text(self) -> str:
        """Returns the content of the file."""
        with self.open() as file:
            return file.read()

    def write_text(self, text: str) -> None:
        """Replaces the content of the file."""
        with self.open("w") as file:
            file.write(text)

    def __getattr__(self, name: str) -> object:
        import pathlib  # noqa: PLC0415 - takes longer than the program

        return getattr(pathlib.Path(self._path), name)
