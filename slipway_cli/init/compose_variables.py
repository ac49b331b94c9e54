"""Reads which variables compose files give to a container. Values that may be secret are not read."""

from __future__ import annotations

import re
from typing import Any

from slipway_cli.init import dotenv, known
from slipway_cli.init.compose_project import Project
from slipway_cli.init.findings import TO_CREATE, Findings, Setting
from slipway_cli.init.tree import Place, Tree, joined

_DEFAULT = re.compile(r"\$\{\w+:?-([^${}]*)\}")
_VARIABLE = re.compile(r"\$\{?\w+")


def of(tree: Tree, findings: Findings, found: Project, name: str, service: dict[str, Any]) -> dict[str, Setting]:
    """Returns the variables of a service that a manifest can give it."""
    settings: dict[str, Setting] = {}
    for path in env_files(service):
        _from_file(tree, findings, settings, joined(found.folder, path))
    environment = service.get("environment")
    pairs: list[tuple[str, Any, str]] = []
    if isinstance(environment, dict):
        pairs = [(str(key), value, str(key)) for key, value in environment.items()]
    elif isinstance(environment, list):
        for index, pair in enumerate(environment):
            key, sign, text = str(pair).partition("=")
            pairs.append((key, text if sign else None, str(index)))
    for key, value, where in pairs:
        if known.is_name(key):
            place = found.place(name, "environment", where)
            if setting := _setting(findings, found, key, value, place):
                settings[key] = setting
    return settings


def env_files(service: dict[str, Any]) -> list[str]:
    """Returns the files with variables that a service names."""
    section = service.get("env_file")
    entries = section if isinstance(section, list) else [section]
    paths = [entry.get("path") if isinstance(entry, dict) else entry for entry in entries]
    return [path for path in paths if isinstance(path, str)]


def _from_file(tree: Tree, findings: Findings, settings: dict[str, Setting], path: str) -> None:
    """Add the variables of a file by their names: its values stay where they are."""
    unknown: list[str] = []
    found = dotenv.names(tree, path) if path else {}
    for name, place in found.items():
        value = known.value(name)
        if value is not None:
            settings[name] = Setting(place, value)
        elif known.is_secret(name):
            settings[name] = Setting(place, secret=TO_CREATE)
        elif name != "DJANGO_SETTINGS_MODULE":
            unknown.append(name)
    if unknown:
        findings.leave(
            f"values of {path} are not copied; write under `variables` what production needs of {_few(unknown)}"
        )
    if path and not found:
        findings.ask(
            f"write what {path}, which the checkout does not have, sets for production, under `variables` and `secrets`"
        )


def _setting(findings: Findings, found: Project, name: str, value: Any, place: Place) -> Setting | None:
    """Returns what a variable is given; None if it is left out."""
    if (usual := known.value(name)) is not None:
        return Setting(place, usual)
    text = "" if value is None else ("true" if value else "false") if isinstance(value, bool) else str(value)
    if known.is_secret(name, text):
        return Setting(place, secret=TO_CREATE)
    text = _DEFAULT.sub(lambda default: default[1], text)
    if value is None or _VARIABLE.search(text.replace("$$", "")):
        return Setting(place)
    if host := _names_a_service(found, text):
        findings.leave(f"{name}: it names the compose service {host}, which has no such address on AWS", place)
        return None
    return Setting(place, known.escaped(text.replace("$$", "$")))


def _names_a_service(found: Project, text: str) -> str:
    """Returns the compose service that a value calls by its name, as `http://api:3000` does."""
    return next((name for name in found.services if re.search(rf"(^|//|@){re.escape(name)}(:\d+|/|$)", text)), "")


def _few(names: list[str]) -> str:
    shown = ", ".join(names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"  # noqa: PLR2004 - a line's worth
