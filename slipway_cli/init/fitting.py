"""Fits a manifest to the loader: what it refuses of strangers' values is left out, and said so."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from products import ManifestError, load
from products.errors import Problem
from products.secrets import hidden
from slipway_cli.errors import CommandError
from slipway_cli.init import writer
from slipway_cli.init.answers import PLACEHOLDER
from slipway_cli.init.findings import Findings
from slipway_cli.init.writer import Said

_ROUNDS = 8
# Keys that may be missing, below the place of what they belong to.
_OPTIONAL = frozenset(
    {
        *(
            "health_check",
            "health_path",
            "scaling",
            "count",
            "size",
            "capacity",
            "static_paths",
            "paths",
            "shell_access",
        ),
        *("read_only", "network", "build_args", "target", "version_file", "architecture"),
    }
)
_VALID = {
    "account": "111122223333",
    "region": "us-east-1",
    "owner": "example",
    "name": "example.org",
    "owner_id": 1,
    "id": 1,
    "hosted_zone_id": "Z0EXAMPLE",
}
"""For each key that may be a placeholder: a valid value, to check the rest of the manifest."""


def fit(name: str, manifest: dict[str, Any], findings: Findings) -> None:
    """Remove from a manifest what the loader refuses, with a sentence for each.

    Raises:
        CommandError: if it refuses what cannot be removed; that is a mistake of this command.
    """
    for _ in range(_ROUNDS):
        problems = _problems(name, manifest)
        removed = [problem for problem in problems if _remove(manifest, problem, findings)]
        if not problems:
            return
        if not removed:
            break
    found = "\n".join(f"  {problem.key}: {hidden(problem.message)}" for problem in problems)
    raise CommandError(
        f"the manifest would be refused, so it was not written:\n{found}",
        "please report this as a mistake of `slipway init`, with the files that it names",
    )


def _problems(name: str, manifest: dict[str, Any]) -> list[Problem]:
    """Returns what the loader refuses of a manifest, with valid values instead of placeholders."""
    with tempfile.TemporaryDirectory(prefix="slipway-init-") as folder:
        text = writer.text(_filled(writer.bare(manifest)), [])
        (Path(folder) / f"{name}.yaml").write_text(text, encoding="utf-8")
        try:
            load(name, Path(folder))
        except ManifestError as error:
            return error.problems
    return []


def _remove(manifest: dict[str, Any], problem: Problem, findings: Findings) -> bool:
    """Remove what a problem is about; returns False if it has to stay."""
    message = hidden(problem.message)
    if problem.key == "images" and "CodePipeline" in message:
        manifest.pop("pipeline", None)
        findings.leave(f"the pipeline: {message}; release by hand, with `slipway release`")
        findings.todo = [note for note in findings.todo if "pipeline" not in note.text and "version" not in note.text]
        return True
    path = _removable(problem.key.split("."))
    section: Any = manifest
    for part in path[:-1]:
        section = _inside(section).get(part) if isinstance(_inside(section), dict) else None
    inner = _inside(section)
    if not path or not isinstance(inner, dict) or inner.pop(path[-1], None) is None:
        return False
    if not inner and len(path) > 1:
        _drop_empty(manifest, path[:-1])
    findings.leave(f"{'.'.join(path)}: {message}")
    return True


def _removable(path: list[str]) -> list[str]:
    """Returns the place to remove for a problem at a key; nothing if it has to stay."""
    if path[0] in ("variables", "secrets", "schedules") and len(path) > 1:
        return path[:2]
    if path[0] == "environments" and len(path) > 3 and path[2] in ("services", "variables"):  # noqa: PLR2004 - environments.NAME.services.NAME
        return path[:4]
    for length in range(len(path), 2, -1):
        if path[length - 1] in _OPTIONAL or path[length - 2] in ("variables", "build_args", "env"):
            return path[:length]
    return path if path[-1] in ("migration", "frontend") else []


def _drop_empty(manifest: dict[str, Any], path: list[str]) -> None:
    section: Any = manifest
    for part in path[:-1]:
        section = _inside(section).get(part)
    inner = _inside(section)
    if isinstance(inner, dict) and path[-1] != "services":
        inner.pop(path[-1], None)


def _inside(value: Any) -> Any:
    return value.value if isinstance(value, Said) else value


def _filled(value: Any, key: str = "") -> Any:
    """Returns a manifest with valid values instead of placeholders."""
    if isinstance(value, dict):
        return {name: _filled(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, key) for inner in value]
    if value == PLACEHOLDER:
        return _VALID.get(key, "ops@example.org")
    if isinstance(value, str) and PLACEHOLDER in value:
        account, region = str(_VALID["account"]), str(_VALID["region"])
        return value.replace(f":{PLACEHOLDER}:{PLACEHOLDER}:", f":{region}:{account}:").replace(PLACEHOLDER, account)
    return value


def placeholders(value: Any, path: str = "") -> list[str]:
    """Returns the keys of a manifest whose values are placeholders."""
    if isinstance(value, Said):
        return placeholders(value.value, path)
    if isinstance(value, dict):
        return [key for name, inner in value.items() for key in placeholders(inner, f"{path}.{name}".lstrip("."))]
    if isinstance(value, list):
        return [key for inner in value for key in placeholders(inner, path)]
    return [path] if isinstance(value, str) and PLACEHOLDER in value else []
