"""Migrations: one container of a service with the new release's files, beside what runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slipway_host.containers import Container
from slipway_host.folder import Folder
from slipway_host.host import Host
from slipway_host.output import Failed
from slipway_host.pgpass import place
from slipway_host.release import Release
from slipway_host.settings import Migration

SERVICE = "slipway-migration"
_LINES = 60  # of its output
_RESOLVED = "compose.migration.json"
# What a copy of a service must not share with the service itself.
_OWN = ("container_name", "depends_on", "healthcheck", "ports", "profiles", "restart", "deploy", "scale")


def run_migration(host: Host, release: Release, migration: Migration, folder: Folder, *, beside: bool) -> None:
    """Runs the command; with `beside`, no other container is started or changed.

    Raises:
        Failed: if it does not end with 0 in time.
    """
    resolved = host.project(folder).resolved()
    service = resolved["services"].get(migration.service)
    if service is None:
        known = ", ".join(sorted(resolved["services"]))
        raise Failed(f"the migration's service is {migration.service}; the compose files have {known}")
    if beside:
        _mount_data(service, folder.path, host.configuration.folder, set(release.files))
    elif service.get("depends_on"):
        started = host.project(folder).start(sorted(service["depends_on"]))
        if started.code:
            raise Failed(f"what the migration needs does not start: {started.tail(8)}")
    copied = {key: value for key, value in service.items() if key not in _OWN}
    alone = {
        **resolved,
        "services": {SERVICE: {**copied, "command": [word.replace("$", "$$") for word in migration.command]}},
    }
    folder.write(_RESOLVED, json.dumps(alone).encode(), 0o600)
    try:
        _run(host, release, migration, folder)
    finally:
        _remove(host)
        folder.remove(_RESOLVED)


def _run(host: Host, release: Release, migration: Migration, folder: Folder) -> None:
    _remove(host)  # one that a killed step has left
    created = host.project(folder, _RESOLVED).create(SERVICE)
    containers = _containers(host)
    if created.code or not containers:
        raise Failed(f"the migration's container cannot be created: {created.tail(5)}")
    place(host.daemon, containers[0], release.pgpass)
    host.output.say(f"running {' '.join(migration.command)} in {migration.service}")
    done = host.daemon.follow(containers[0], migration.timeout_seconds)
    host.output.say("\n".join(f"  | {line}" for line in done.tail(_LINES).splitlines()) or "  | (no output)")
    if done.code:
        raise Failed(f"the migration ended with {done.code}; what it printed is above")


def _containers(host: Host) -> list[Container]:
    return [container for container in host.daemon.containers() if container.service == SERVICE]


def _remove(host: Host) -> None:
    for container in _containers(host):
        host.daemon.remove(container)


def _mount_data(service: dict[str, Any], scratch: Path, folder: Path, files: set[str]) -> None:
    """Mounts data folders from where they are; only the release's own files are the new ones."""
    for mount in service.get("volumes") or []:
        source = Path(str(mount.get("source", "")))
        if mount.get("type") == "bind" and scratch in (source, *source.parents):
            name = str(source.relative_to(scratch))
            if name not in files and not any(file.startswith(f"{name}/") for file in files):
                mount["source"] = str(folder / name)
