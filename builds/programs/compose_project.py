"""The compose files of one environment: as they are written, and as compose understands them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from compose_yaml import Items, Table, Unreadable, listed, read, table

REGISTRY = "registry.invalid"
"""The registry in the images that stand for those of the manifest."""
_STAND_IN = "1"  # for all other variables: a number where one is needed, and true
_LEFT_OUT = frozenset({".git", "node_modules", "__pycache__", ".venv"})


@dataclass(frozen=True)
class Expected:
    """The files and names of an environment that the manifest requires."""

    name: str
    files: List[str]
    variables: List[str]
    env_files: Dict[str, List[str]]
    include: List[str]
    profiles: List[str]
    proxy: Optional[Dict[str, Any]]
    images: Dict[str, str]
    """The variables of the images."""
    migration: Optional[str]


@dataclass
class Problems:
    """The problems found so far, in order; none is listed twice."""

    lines: List[str] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        """Adds a problem; `where` is file:line."""
        line = f"{where}: {what}"
        if line not in self.lines:
            self.lines.append(line)


@dataclass
class Project:
    """One environment's compose files."""

    expected: Expected
    problems: Problems
    parsed: Dict[str, Table] = field(default_factory=dict)
    merged: Dict[str, Any] = field(default_factory=dict)
    """As `docker compose config` prints it; empty if compose refuses the files."""
    folder: str = ""
    """The folder in which compose reads the files."""

    def read(self) -> None:
        """Reads the compose files and those that they include or extend."""
        waiting = [(name, "products/*.yaml") for name in self.expected.files]
        while waiting:
            name, where = waiting.pop(0)
            if name in self.parsed:
                continue
            if not inside(name) or not Path(name).is_file():
                self.problems.add(where, f"names the compose file {name}, which is not in the repository")
                continue
            try:
                self.parsed[name] = read(Path(name))
            except Unreadable as error:
                self.problems.add(f"{name}:{error.line}", error.why)
                continue
            waiting += [
                (str(PurePosixPath(name).parent / other), f"{name}:{line}") for other, line in self._others(name)
            ]

    def _others(self, name: str) -> Iterator[Tuple[str, int]]:
        """Yields the files that a file includes or extends."""
        content = self.parsed[name]
        for item, line in listed(content.get("include")):
            paths = item.get("path") if isinstance(item, Table) else item
            for path, inner in listed(paths):
                yield str(path), inner or line or content.lines["include"]
        for service in table(content, "services").values():
            extended = table(service, "extends")
            if isinstance(extended.get("file"), str):
                yield extended["file"], extended.lines["file"]

    def services(self) -> Set[str]:
        """Returns the services that run: those of the chosen profiles."""
        if self.merged:
            return set(self.merged.get("services") or {})
        return {name for content in self.parsed.values() for name in table(content, "services")}

    def written(self, service: str) -> Iterator[Tuple[str, Table]]:
        """Yields the definitions of a service: file and mapping, in the order in which they count."""
        for name, content in self.parsed.items():
            found = table(content, "services").get(service)
            if isinstance(found, Table):
                yield name, found

    def where(self, service: str, key: str = "", text: str = "") -> str:
        """Returns the place of a key of a service, or of an item that contains a text; the last file counts."""
        found = next(iter(self.parsed), "compose")
        for name, definition in self.written(service):
            content = table(self.parsed[name], "services")
            line = content.lines[service]
            if key in definition:
                line = _line_of(definition[key], definition.lines[key], text)
            elif key and ":" in found:
                continue
            found = f"{name}:{line}"
        return found

    def resolve(self, files: Set[str]) -> None:
        """Asks compose what it understands, in a folder with nothing but the files of the bundle."""
        with tempfile.TemporaryDirectory(prefix="slipway-compose-") as folder:
            self.folder = os.path.realpath(folder)
            for name in files:
                target = Path(self.folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(name, target)
            for name, variables in {".env": self.expected.variables, **self.expected.env_files}.items():
                target = Path(self.folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text("".join(f"{variable}={self._value(variable)}\n" for variable in variables))
            self._ask()

    def _ask(self) -> None:
        words = ["docker", "compose", "--project-name", "slipway", "--project-directory", self.folder]
        words += [word for name in self.expected.files for word in ("--file", f"{self.folder}/{name}")]
        words += [word for profile in self.expected.profiles for word in ("--profile", profile)]
        # Nothing of the build's environment: on a host, compose knows the variables of .env alone.
        known = {name: os.environ[name] for name in ("HOME", "PATH", "DOCKER_CONFIG") if name in os.environ}
        done = subprocess.run(  # noqa: S603 - no shell
            [*words, "config", "--format", "json"], capture_output=True, text=True, check=False, env=known
        )
        if done.returncode == 0:
            self.merged = json.loads(done.stdout)
        else:
            self._refused(done.stderr)

    def _refused(self, said: str) -> None:
        """Reports compose's own error at the place that it names."""
        lines = [line for line in said.replace(f"{self.folder}/", "").splitlines() if "level=warning" not in line]
        why = " ".join(" ".join(lines).split()) or "no reason was given"
        known = "|".join(re.escape(name) for name in sorted(self.services(), key=len, reverse=True))
        found = (
            re.search(rf"\bservices?[. ]\"?({known})\"?(?:\.([\w-]+))?(?:.*?[Pp]ropert\w+ '?([\w-]+))?", why)
            if known
            else None
        )
        keys = [key for key in (found[3], found[2]) if key] if found else []
        place = next((self.where(found[1], key) for key in keys if self._has(found[1], key)), "") if found else ""
        named = re.search(r"\b([\w./-]+\.ya?ml)\b", why)
        first = named[1] if named and named[1] in self.parsed else next(iter(self.parsed), "compose")
        self.problems.add(place or (self.where(found[1]) if found else f"{first}:1"), f"compose refuses it: {why}")

    def _has(self, service: str, key: str) -> bool:
        return any(key in definition for _, definition in self.written(service))

    def _value(self, variable: str) -> str:
        for image, named in self.expected.images.items():
            if variable == named:
                return f"{REGISTRY}/{image}@sha256:{'0' * 64}"
        return {"CONTAINER_REGISTRY": REGISTRY, "REPOSITORY_OWNER": "owner"}.get(variable, _STAND_IN)


def inside(name: str) -> bool:
    """True if a name is a path below the repository."""
    path = PurePosixPath(os.path.normpath(name))
    return bool(name) and not path.is_absolute() and ".." not in path.parts and ".slipway" not in path.parts[:1]


def files_below(name: str) -> Iterator[str]:
    """Yields the files of a folder of the repository, or the file itself."""
    path = Path(os.path.normpath(name))
    if path.is_file() or path.is_symlink():
        yield path.as_posix()
    elif path.is_dir():
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(set(folders) - _LEFT_OUT)
            yield from (Path(folder, file).as_posix() for file in sorted(files))


def _line_of(value: Any, line: int, text: str) -> int:
    if text and isinstance(value, Items):
        for item, inner in listed(value):
            plain = " ".join(f"{key}={child}" for key, child in item.items()) if isinstance(item, Table) else str(item)
            if text in plain and inner is not None:
                return inner
    return line
