"""Parses a buildspec of version 0.2 into data classes. Nothing here runs a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from localcloud.codebuild.errors import YAML_FILE_ERROR, BuildError

PHASES = ("install", "pre_build", "build", "post_build")
ABORT, CONTINUE = "ABORT", "CONTINUE"
SHELLS = {"sh": "sh", "/bin/sh": "sh", "bash": "bash", "/bin/bash": "bash"}
_TOP = {"version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"}


@dataclass(frozen=True)
class Phase:
    """A phase: its commands, those of `finally`, and what happens after a failure."""

    name: str
    commands: tuple[str, ...] = ()
    finally_: tuple[str, ...] = ()
    on_failure: str = ""
    runtimes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Files:
    """Patterns that select files below a base directory, for artifacts and reports."""

    files: tuple[str, ...]
    base_directory: str = ""
    discard_paths: bool = False
    exclude_paths: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Report:
    """The report files for one report group."""

    group: str
    chosen: Files
    file_format: str = "JUNITXML"


@dataclass(frozen=True)
class Buildspec:
    """A valid buildspec."""

    shell: str = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameter_store: Mapping[str, str] = field(default_factory=dict)
    secrets_manager: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()
    phases: Mapping[str, Phase] = field(default_factory=dict)
    artifacts: Files | None = None
    secondary_artifacts: Mapping[str, Files] = field(default_factory=dict)
    reports: tuple[Report, ...] = ()
    cache_paths: tuple[str, ...] = ()


def is_inline(text: str) -> bool:
    """True if a project's `buildspec` property contains the buildspec itself, not a path to it."""
    return "\n" in text.strip() or text.lstrip().startswith(("{", "version:"))


def parse(text: str) -> Buildspec:
    """Returns the parsed buildspec.

    Raises:
        BuildError: if the buildspec is invalid; the message contains what was expected.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _error(str(error)) from error
    if not isinstance(document, dict):
        raise _error("expected a mapping with version, env, phases, artifacts; the buildspec is empty or a list")
    unknown = sorted(str(key) for key in document if key not in _TOP)
    if unknown:
        raise _error(f"unknown key {', '.join(unknown)}; expected one of {', '.join(sorted(_TOP))}")
    if str(document.get("version")) != "0.2":
        raise _error(f"expected version: 0.2, got {document.get('version')}")
    for unsupported in ("run-as", "batch"):
        if document.get(unsupported):
            raise _error(f"the local cloud does not support {unsupported}")
    environment = _mapping(document.get("env"), "env")
    artifacts, secondary = _artifacts(document.get("artifacts"))
    return Buildspec(
        shell=_shell(environment.get("shell")),
        variables=_strings(environment.get("variables"), "env/variables"),
        parameter_store=_strings(environment.get("parameter-store"), "env/parameter-store"),
        secrets_manager=_strings(environment.get("secrets-manager"), "env/secrets-manager"),
        exported=_list(environment.get("exported-variables"), "env/exported-variables"),
        phases=_phases(document.get("phases")),
        artifacts=artifacts,
        secondary_artifacts=secondary,
        reports=_reports(document.get("reports")),
        cache_paths=_list(_mapping(document.get("cache"), "cache").get("paths"), "cache/paths"),
    )


def _error(message: str) -> BuildError:
    return BuildError(YAML_FILE_ERROR, f"YAML_FILE_ERROR: {message}")


def _shell(name: object) -> str:
    if name is None:
        return "sh"
    if str(name) not in SHELLS:
        raise _error(f"env/shell: expected bash or /bin/sh, got {name}")
    return SHELLS[str(name)]


def _phases(value: object) -> dict[str, Phase]:
    declared = _mapping(value, "phases")
    unknown = sorted(str(name) for name in declared if name not in PHASES)
    if unknown:
        raise _error(f"invalid buildspec phase name: {', '.join(unknown)}. Expecting: {', '.join(PHASES)}")
    if not declared:
        raise _error("at least one of phases " + ", ".join(PHASES) + " is required")
    return {name: _phase(name, _mapping(block, f"phases/{name}")) for name, block in declared.items()}


def _phase(name: str, block: Mapping[str, Any]) -> Phase:
    where = f"phases/{name}"
    if block.get("run-as"):
        raise _error(f"{where}: the local cloud does not support run-as")
    on_failure = str(block.get("on-failure") or "")
    if on_failure not in ("", ABORT, CONTINUE):
        raise _error(f"{where}/on-failure: expected ABORT or CONTINUE (the local cloud has no RETRY), got {on_failure}")
    if not block.get("commands") and not block.get("runtime-versions"):
        raise _error(f"{where}: at least one command or runtime-version is required")
    return Phase(
        name=name,
        commands=_list(block.get("commands"), f"{where}/commands"),
        finally_=_list(block.get("finally"), f"{where}/finally"),
        on_failure=on_failure,
        runtimes=_strings(block.get("runtime-versions"), f"{where}/runtime-versions"),
    )


def _artifacts(value: object) -> tuple[Files | None, dict[str, Files]]:
    block = _mapping(value, "artifacts")
    secondary = _mapping(block.get("secondary-artifacts"), "artifacts/secondary-artifacts")
    return (
        _files(block, "artifacts") if block.get("files") else None,
        {str(key): _files(_mapping(item, str(key)), f"artifacts/{key}") for key, item in secondary.items()},
    )


def _reports(value: object) -> tuple[Report, ...]:
    reports = []
    for group, item in _mapping(value, "reports").items():
        block = _mapping(item, f"reports/{group}")
        chosen = _files(block, f"reports/{group}")
        reports.append(Report(str(group), chosen, str(block.get("file-format") or "JUNITXML").upper()))
    return tuple(reports)


def _files(block: Mapping[str, Any], where: str) -> Files:
    if not block.get("files"):
        raise _error(f"{where}: files is required")
    return Files(
        files=_list(block["files"], f"{where}/files"),
        base_directory=str(block.get("base-directory") or ""),
        discard_paths=_boolean(block.get("discard-paths")),
        exclude_paths=_list(block.get("exclude-paths"), f"{where}/exclude-paths"),
        name=str(block.get("name") or ""),
    )


def _boolean(value: object) -> bool:
    return value is True or str(value).lower() in ("yes", "true")


def _mapping(value: object, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _error(f"{where}: expected a mapping, got {value!r}")
    return value


def _strings(value: object, where: str) -> dict[str, str]:
    return {str(key): _string(item, f"{where}/{key}") for key, item in _mapping(value, where).items()}


def _list(value: object, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise _error(f"{where}: expected a list, got {value!r}")
    return tuple(_string(item, f"{where}[{index}]") for index, item in enumerate(value))


def _string(value: object, where: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list) or value is None:
        raise _error(
            f"Expected {where} to be of string type: found {value!r}; put quotes around a command that contains a colon"
        )
    return str(value)
