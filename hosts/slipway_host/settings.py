"""The environment's configuration and the record of a release, parsed once; errors name the key and what to write."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Callable

from slipway_host.output import Failed

SHA = re.compile(r"[0-9a-f]{64}")
RENDERED = "compose.rendered.json"
_PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]*")
_IMAGE = re.compile(r"[^\s@]+/[^\s@]+@sha256:[0-9a-f]{64}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


@dataclass(frozen=True)
class Verify:
    """The page that must answer with success before a release counts as running."""

    port: int
    path: str
    tries: int
    pause_seconds: float
    host: str


@dataclass(frozen=True)
class Migration:
    """The command that migrates, and the compose service that runs it."""

    service: str
    command: tuple[str, ...]
    timeout_seconds: float


@dataclass(frozen=True)
class Configuration:
    """The settings of an environment's hosts, from Parameter Store."""

    project: str
    folder: Path
    compose: tuple[str, ...]
    profiles: tuple[str, ...]
    rendered: dict[str, Any] | None
    files: dict[str, list[tuple[str, list[Any]]]]
    """The env files by name: the variables, each with the parts of its value."""
    pgpass: list[list[Any]] | None
    registry: str
    migration: Migration | None
    wait_seconds: int
    verify: Verify | None
    keep_releases: int

    @classmethod
    def parse(cls, text: str) -> Configuration:
        """Parses the JSON of the parameter.

        Raises:
            Failed: if a key is missing or wrong.
        """
        values = parsed(text, "the configuration")
        rendered = values.get("rendered", lambda value: value is None or isinstance(value, dict), "null or an object")
        found = cls(
            project=values.text("project", _PROJECT),
            folder=Path(values.text("folder", re.compile(r"/[^/\0]+(/[^/\0]+)+"))),
            compose=(RENDERED,) if rendered is not None else values.texts("compose"),
            profiles=values.texts("profiles"),
            rendered=rendered,
            files=_files(values),
            pgpass=values.get("pgpass", lambda value: value is None or _lists(value), "null or a list of lists"),
            registry=values.text("registry", re.compile(r"[^\s/]*")),
            migration=_migration(values.table("migration")),
            wait_seconds=int(values.number("wait_seconds", 120)),
            verify=verify(values.table("verify")),
            keep_releases=max(1, int(values.number("keep_releases", 2))),
        )
        for name in (*found.compose, *found.files):
            checked(name)
        if not found.compose:
            raise Failed("the configuration names no compose file: deploy the environment's stacks again")
        return found


@dataclass(frozen=True)
class Record:
    """A release: its version and commit, its images by digest, and the SHA-256 of its bundle."""

    version: str
    commit: str
    images: dict[str, str]
    bundle: str

    @classmethod
    def parse(cls, text: str) -> Record:
        """Parses a record.

        Raises:
            Failed: if a key is missing or wrong.
        """
        values = parsed(text, "the record of the release")
        images = values.get("images", lambda value: isinstance(value, dict), "an object")
        for name, uri in images.items():
            if not isinstance(uri, str) or not _IMAGE.fullmatch(uri):
                raise Failed(f"the record's image {name} is {uri!r}; it must be <repository>@sha256:<64 digits>")
        return cls(values.text("version"), values.text("commit"), images, values.text("bundle", SHA))

    @property
    def repositories(self) -> dict[str, str]:
        """The digests by the name of the repository, with the registry's host name."""
        found = (uri.partition("@") for uri in self.images.values())
        return {repository: digest for repository, _, digest in found}


def checked(name: str) -> str:
    """Returns the name of a file of a release: relative, without `..`, and not one of our own.

    Raises:
        Failed: if it is another kind of name.
    """
    path = PurePosixPath(name)
    plain = name == str(path) and name != "." and "\\" not in name and name.isprintable()
    if not plain or path.is_absolute() or ".." in path.parts or path.parts[0] == ".slipway":
        raise Failed(f"the release names the file {name!r}: it must lie below the folder of the release")
    return name


class Fields:
    """A JSON object, whose keys are read with a check of their form."""

    def __init__(self, values: dict[str, Any], where: str) -> None:
        self._values, self._where = values, where

    def get(self, key: str, good: Callable[[Any], bool], wanted: str, default: Any = None) -> Any:
        """Returns a value; raises Failed if it is not `good`."""
        value = self._values.get(key, default)
        if not good(value):
            raise Failed(
                f"{self._where}: '{key}' must be {wanted}, got {value!r}: deploy the environment's stacks again"
            )
        return value

    def text(self, key: str, pattern: re.Pattern[str] = re.compile(r".+")) -> str:
        """Returns a text that matches a pattern."""
        return str(
            self.get(key, lambda value: isinstance(value, str) and bool(pattern.fullmatch(value)), "a text of its form")
        )

    def texts(self, key: str) -> tuple[str, ...]:
        """Returns a list of texts; an empty one by default."""
        return tuple(self.get(key, _texts, "a list of texts", []) or ())

    def number(self, key: str, default: float) -> float:
        """Returns a number that is not negative."""
        return float(self.get(key, lambda value: type(value) in (int, float) and value >= 0, "a number", default))

    def table(self, key: str) -> Fields | None:
        """Returns an object, or None."""
        value = self.get(key, lambda value: value is None or isinstance(value, dict), "null or an object")
        return None if value is None else Fields(value, f"{self._where}, '{key}'")


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Failed(f"{where} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Failed(f"{where} is not a JSON object")
    return value


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) and part for part in value)


def _lists(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, list) for part in value)


def _files(values: Fields) -> dict[str, list[tuple[str, list[Any]]]]:
    found = values.get("files", lambda value: isinstance(value, dict), "an object", {})
    return {name: _variables(lines, f"file {name}") for name, lines in found.items()}


def variables(values: Fields, key: str) -> list[tuple[str, list[Any]]]:
    """Returns a list of variables, each with the parts of its value."""
    return _variables(values.get(key, lambda value: isinstance(value, list), "a list", []), f"list {key}")


def _variables(lines: Any, where: str) -> list[tuple[str, list[Any]]]:
    found = []
    for line in lines if isinstance(lines, list) else [None]:
        if not isinstance(line, list) or len(line) != 2 or not isinstance(line[1], list):  # noqa: PLR2004 - a pair
            raise Failed(
                f"the configuration's {where} must be a list of [name, parts]: deploy the environment's stacks again"
            )
        if not isinstance(line[0], str) or not _VARIABLE.fullmatch(line[0]):
            raise Failed(f"the configuration's {where} has a variable {line[0]!r}, which is no variable's name")
        found.append((line[0], line[1]))
    return found


def parsed(text: str, where: str) -> Fields:
    """Returns a JSON object as fields.

    Raises:
        Failed: if the text is none; it names `where` the text is from.
    """
    return Fields(_object(text, where), where)


def _migration(values: Fields | None) -> Migration | None:
    if values is None:
        return None
    return Migration(values.text("service"), values.texts("command"), values.number("timeout_seconds", 1800))


def verify(values: Fields | None) -> Verify | None:
    """Returns the page that must answer; None without one."""
    if values is None:
        return None
    return Verify(
        int(values.number("port", 80)),
        values.text("path", re.compile(r"/[!-~]*")),
        max(1, int(values.number("tries", 12))),
        values.number("pause_seconds", 5),
        str(values.get("host", lambda value: isinstance(value, str), "a text", "")),
    )
