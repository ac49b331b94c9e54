"""Migrations: one container with the new release's files, beside what runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slipway_host.folder import Folder
from slipway_host.host import Host
from slipway_host.output import Failed
from slipway_host.release import Release
from slipway_host.settings import Migration

_LINES = 60  # of its output
_RESOLVED = "compose.resolved.json"


def run_migration(host: Host, release: Release, migration: Migration, folder: Folder, *, beside: bool) -> None:
    """Runs the command; with `beside`, no other container is started or changed.

    Raises:
        Failed: if it does not end with 0 in time.
    """
    name = f"{host.configuration.project}-migration"
    project = host.project(folder, release)
    if beside:
        release.write(folder)
        resolved = _beside(project.resolved(), folder.path, host.configuration.folder, set(release.files))
        folder.write(_RESOLVED, json.dumps(resolved).encode(), 0o600)
        project = host.project(folder, release, _RESOLVED)
    host.programs.run(("docker", "rm", "--force", name), timeout=60)  # one that an earlier step has left
    host.output.say(f"running {' '.join(migration.command)} in {migration.service}")
    options = ("--no-deps",) if beside else ()
    try:
        done = project.run(migration.service, name, migration.command, *options, timeout=migration.timeout_seconds)
    except Failed:
        host.programs.run(("docker", "rm", "--force", name), timeout=60)
        raise
    host.output.say("\n".join(f"  | {line}" for line in done.tail(_LINES).splitlines()) or "  | (no output)")
    if done.code:
        raise Failed(f"the migration ended with {done.code}; what it printed is above. What ran before still runs")


def _beside(resolved: dict[str, Any], scratch: Path, folder: Path, files: set[str]) -> dict[str, Any]:
    """Returns the project with data folders mounted from where they are; only the release's own files are new."""
    for service in resolved.get("services", {}).values():
        for mount in service.get("volumes") or []:
            source = Path(str(mount.get("source", "")))
            if mount.get("type") == "bind" and scratch in (source, *source.parents):
                name = str(source.relative_to(scratch))
                if name not in files and not any(file.startswith(f"{name}/") for file in files):
                    mount["source"] = str(folder / name)
    return resolved
