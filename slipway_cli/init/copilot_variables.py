"""Reads variables and secrets of Copilot's workloads. Values that may be secret are not read."""

from __future__ import annotations

import re
from typing import Any

from slipway_cli.init import dotenv, known, yamls
from slipway_cli.init.findings import TO_CREATE, Findings, Setting
from slipway_cli.init.tree import Place, Tree, joined

_VARIABLE = re.compile(r"(?<!\\)\$\{(\w+)\}")
_PREDEFINED = {"COPILOT_ENVIRONMENT_NAME": "${environment}"}


def of(tree: Tree, findings: Findings, document: yamls.Document, name: str) -> dict[str, Setting]:
    """Returns the variables and secrets of a workload."""
    data = document.data
    settings: dict[str, Setting] = {}
    for key, value in _pairs(data, "variables"):
        place = document.place("variables", key)
        if (text := _text(findings, name, key, value, place)) is not None:
            settings[key] = text
    for key, value in _pairs(data, "secrets"):
        place = document.place("secrets", key)
        if secret := _secret(findings, key, value, place):
            settings[key] = Setting(place, secret=secret)
    if isinstance(path := data.get("env_file"), str):
        found = dotenv.names(tree, joined(".", path))
        for key, place in found.items():
            settings.setdefault(key, Setting(place, known.value(key), TO_CREATE if known.is_secret(key) else ""))
        findings.leave(
            f"values of {path} are not copied: {', '.join(found) or 'the checkout does not have it'}",
            document.place("env_file"),
        )
    return settings


def of_environments(document: yamls.Document) -> dict[str, dict[str, str]]:
    """Returns the plain variables that a workload overrides in environments, by environment and name."""
    found: dict[str, dict[str, str]] = {}
    sections = document.data.get("environments")
    for environment, section in sections.items() if isinstance(sections, dict) else ():
        for key, value in _pairs(section, "variables") if isinstance(section, dict) else ():
            text = _plain(value)
            if text is not None and not known.is_secret(key, text) and not _VARIABLE.search(text):
                found.setdefault(str(environment), {})[key] = known.escaped(text)
    return found


def _pairs(data: dict[str, Any], section: str) -> list[tuple[str, Any]]:
    found = data.get(section)
    return (
        [(str(key), value) for key, value in found.items() if known.is_name(str(key))]
        if isinstance(found, dict)
        else []
    )


def _plain(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _text(findings: Findings, workload: str, key: str, value: Any, place: Place) -> Setting | None:
    text = _plain(value)
    if text is None:
        findings.leave(f"the variable {key} of {workload}: it comes from another stack", place)
        return None
    if known.is_secret(key, text):
        return Setting(place, secret=TO_CREATE)
    replaced = _VARIABLE.sub(lambda found: _PREDEFINED.get(found[1], found[0]), text)
    if any(found[1] not in _PREDEFINED for found in _VARIABLE.finditer(text)):
        return Setting(place, known.value(key))
    usual = known.value(key)
    parts = re.split(r"(\$\{environment\})", replaced)
    escaped = "".join(part if part == "${environment}" else known.escaped(part) for part in parts)
    return Setting(place, usual if usual and usual.startswith("${") and known.part(usual) else escaped)


def _secret(findings: Findings, key: str, value: Any, place: Place) -> str:
    """Returns the secret of a variable as `name` or `name:key`; `?` if it has to be created."""
    text = value.get("secretsmanager") if isinstance(value, dict) else value
    if isinstance(value, dict) and not isinstance(text, str):
        findings.ask(f"copy the secret {key}, which comes from another stack, to Secrets Manager", place)
        return TO_CREATE
    text = str(text).strip("'\"")
    if _VARIABLE.search(text):
        findings.ask(f"{key}: {text} differs by environment; create a secret of one name in the account of each", place)
        return TO_CREATE
    if not isinstance(value, dict) and ":secretsmanager:" not in text:
        findings.ask(f"copy the SSM parameter {text} to Secrets Manager, for {key}", place)
        return TO_CREATE
    name, _, rest = (
        re.sub(r"-[A-Za-z0-9]{6}(?=:|$)", "", text.split(":secret:", 1)[1]) if ":secret:" in text else text
    ).partition(":")
    inner = rest.split(":")[0]
    return f"{name}:{inner}" if inner else name
