"""Finds what hosts need of compose files: the service that answers, variables, and files with variables."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from slipway_cli.init import compose_variables, dockerfiles, dotenv, known
from slipway_cli.init.compose_project import Project, listed
from slipway_cli.init.compose_project import project as project_of
from slipway_cli.init.findings import Compose, Findings
from slipway_cli.init.tree import Tree, joined

_VARIABLE = re.compile(r"(?<!\$)\$\{?([A-Za-z_]\w*)(:?[-=?+][^}]*)?")
_DEVELOPMENT = re.compile(r"dev|test|debug|tool")
_STAGED = re.compile(r"^(.*[._-])(production|prod|staging)([._-].*)$")


def add(tree: Tree, findings: Findings) -> None:
    """Add the compose files, for environments with `target: hosts`."""
    project = project_of(tree)
    if project is None:
        return
    files = [_by_environment(tree, document.path) for document in project.documents]
    found = Compose(files, project.documents[0].place())
    found.proxy, found.port = _proxy(project)
    for name, service in project.services.items():
        _service(tree, found, project, name, service)
    for document in project.documents:
        _interpolated(document.data, document.place(), found)
    findings.compose = found
    kinds = {dockerfiles.kind_of(str(service.get("image", ""))) for service in project.services.values()}
    findings.kept = kinds & {"database", "cache"}
    if "database" in findings.kept:
        findings.database = None
    if "cache" in findings.kept:
        findings.cache = None


def _service(tree: Tree, found: Compose, project: Project, name: str, service: dict[str, Any]) -> None:
    for path in compose_variables.env_files(service):
        if inner := joined(project.folder, path):
            found.env_files.setdefault(inner, dotenv.names(tree, inner))
    for profile in listed(service.get("profiles")):
        if isinstance(profile, str) and not _DEVELOPMENT.search(profile) and profile not in found.profiles:
            found.profiles.append(profile)
    database = dockerfiles.kind_of(str(service.get("image", ""))) == "database"
    found.volumes = found.volumes or (database and bool(service.get("volumes")))
    if "build" in service and not re.search(r"\$\{?\w+_IMAGE", str(service.get("image", ""))):
        found.unnamed.append(name)


def _by_environment(tree: Tree, path: str) -> str:
    """Returns the name of a file in all environments, if another environment has a file like it."""
    match = _STAGED.match(PurePosixPath(path).name)
    if match is None:
        return path
    stem = path.removesuffix(PurePosixPath(path).name)
    others = [name for name in ("production", "staging") if tree.has(f"{stem}{match[1]}{name}{match[3]}")]
    return f"{stem}{match[1]}${{environment}}{match[3]}" if len(others) > 1 else path


def _proxy(project: Project) -> tuple[str, int]:
    """Returns the service that publishes the port of the site, and that port of the host."""
    best: tuple[int, str, int] | None = None
    for name, service in project.services.items():
        for entry in listed(service.get("ports")):
            port = _published(entry)
            if port and port not in (443, 5432, 6379):
                proxy = (
                    dockerfiles.kind_of(str(service.get("image", ""))) == "proxy" or "proxy" in name or "nginx" in name
                )
                rank = (0 if proxy else 2) + (0 if port in (80, 8080, 8000) else 1)
                best = min(best or (9, "", 0), (rank, name, port))
    return (best[1], best[2]) if best else ("", 0)


def _published(entry: Any) -> int | None:
    text = str(entry.get("published", "")) if isinstance(entry, dict) else str(entry).partition("/")[0]
    text = re.sub(r"\$\{\w+:?-(\d+)\}", r"\1", text)
    parts = text.split(":")
    number = (
        parts[-2] if len(parts) > 1 and not isinstance(entry, dict) else parts[0] if isinstance(entry, dict) else ""
    )
    return int(number) if re.fullmatch(r"\d{1,5}", number) and 0 < int(number) < 65536 else None  # noqa: PLR2004 - ports have 16 bits


def _interpolated(value: Any, place: Any, found: Compose) -> None:
    """Add the variables that the texts of a file take from `.env`, without those that have defaults."""
    if isinstance(value, dict):
        for inner in value.values():
            _interpolated(inner, place, found)
    elif isinstance(value, list):
        for inner in value:
            _interpolated(inner, place, found)
    elif isinstance(value, str):
        for match in _VARIABLE.finditer(value):
            name, default = match[1], (match[2] or "").lstrip(":")
            optional = default.startswith(("-", "=", "+")) and not known.is_secret(name)
            if not optional and not name.endswith("_IMAGE") and known.is_name(name):
                found.variables.setdefault(name, place)
