"""Reads which packages a Python project needs, and where its version is. tomllib reads TOML; nothing is installed."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from slipway_cli.init.findings import Findings, Store
from slipway_cli.init.tree import Place, Tree, folder_of, joined, line_of

_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?")
_DEVELOPMENT = re.compile(r"(^|[/._-])(dev|test|tests|local|docs?|lint|ci)([/._-]|$)", re.IGNORECASE)
_EXTRA = re.compile(r"^\s*celery\[[^\]]*redis|^\s*channels[_-]redis|^\s*dramatiq\[[^\]]*redis", re.IGNORECASE)
_DUNDER = re.compile(r"^__version__\s*(:[^=\n]*)?=\s*[\"'][^\"'\n]+[\"']", re.MULTILINE)
_MOST_MODULES, _DEEPEST = 200, 2
_MEANINGS = {
    "database": ("psycopg", "psycopg2", "psycopg2-binary", "psycopg-binary", "asyncpg", "pg8000", "psycopg-c"),
    "cache": (
        "redis",
        "django-redis",
        "channels-redis",
        "celery-redbeat",
        "rq",
        "django-rq",
        "hiredis",
        "valkey",
        "aioredis",
    ),
    "media": ("django-storages",),
}


def normal(name: str) -> str:
    """Returns a package's name as the index of Python packages compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def packages(tree: Tree) -> dict[str, Place]:
    """Returns the packages that the projects of a checkout need in production, each with its place."""
    found: dict[str, Place] = {}
    for path in tree.named("pyproject.toml", "Pipfile"):
        text = tree.text(path) or ""
        for requirement in _of_toml(toml(text)):
            _note(found, requirement, Place(path, line_of(text, rf"^[ \t]*[\"']?{re.escape(requirement[:40])}")))
    for path in tree.named("requirements*.txt", "requirements/*.txt", "*/requirements/*.txt", "requirements*.in"):
        if _DEVELOPMENT.search(path):
            continue
        for number, line in enumerate((tree.text(path) or "").splitlines(), start=1):
            if not line.lstrip().startswith(("#", "-")):
                _note(found, line, Place(path, number))
    return found


def _note(found: dict[str, Place], requirement: str, place: Place) -> None:
    if match := _REQUIREMENT.match(requirement):
        found.setdefault(normal(match[1]), place)
        if _EXTRA.match(requirement):
            found.setdefault("redis", place)


def toml(text: str) -> dict[str, Any]:
    """Returns the data of a TOML file; nothing if it is wrong."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _of_toml(data: dict[str, Any]) -> list[str]:
    """Returns the requirements of a pyproject.toml or a Pipfile."""
    project = _section(data, "project")
    listed = project.get("dependencies")
    extras = _section(project, "optional-dependencies")
    found = [str(entry) for entry in listed] if isinstance(listed, list) else []
    for name, entries in extras.items():
        if not _DEVELOPMENT.search(name) and isinstance(entries, list):
            found += [str(entry) for entry in entries]
    for section in (_section(_section(_section(data, "tool"), "poetry"), "dependencies"), _section(data, "packages")):
        for name, value in section.items():
            more = value.get("extras") if isinstance(value, dict) else None
            found.append(f"{name}[{','.join(map(str, more))}]" if isinstance(more, list) else name)
    return found


def _section(data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def add(findings: Findings, found: dict[str, Place]) -> None:
    """Add what the packages say about databases, caches and uploads."""
    for part, names in _MEANINGS.items():
        for name in names:
            if name in found:
                store = Store(found[name], f"package {name}")
                findings.say(part, store)  # type: ignore[arg-type]  # the keys are its three names
                break
    for name in ("mysqlclient", "pymysql", "mysql-connector-python", "aiomysql"):
        if name in found:
            findings.foreign_database = found[name]


def version_file(tree: Tree, folders: list[str]) -> str:
    """Returns the file with the product's version, the nearest one; an empty text if there is none."""
    others = [folder_of(path) for path in tree.named("package.json")]
    for folder in dict.fromkeys((".", *folders, *others)):
        project, package = joined(folder, "pyproject.toml"), joined(folder, "package.json")
        data = toml(tree.text(project) or "")
        poetry = _section(_section(data, "tool"), "poetry")
        if _section(data, "project").get("version") or poetry.get("version"):
            return project
        if _versioned(tree.text(package) or ""):
            return package
        if folder in folders and (found := _module(tree, folder)):
            return found
    return ""


def _versioned(text: str) -> bool:
    """True if a package.json has a version."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and bool(data.get("version"))


def _module(tree: Tree, folder: str) -> str:
    """Returns the module of a folder that has `__version__`; an empty text if there is none."""
    start = "" if folder == "." else f"{folder}/"
    for path in tree.named("__init__.py", "__version__.py", "version.py")[:_MOST_MODULES]:
        below = path.removeprefix(start)
        if path.startswith(start) and below.count("/") <= _DEEPEST and _DUNDER.search(tree.text(path) or ""):
            return path
    return ""
