"""Gives the password file of PostgreSQL to the user of each container: libpq refuses one that others may read."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

from slipway_host.bundle import File
from slipway_host.containers import Daemon
from slipway_host.release import Release
from slipway_host.settings import RENDERED, Configuration

_SECRET = "pgpass"  # noqa: S105 - the name of compose's secret


def with_users(daemon: Daemon, configuration: Configuration, release: Release) -> Release:
    """Returns a release whose rendered services name owner and mode 0600 of their password file."""
    if configuration.rendered is None or not release.pgpass:
        return release
    rendered = copy.deepcopy(configuration.rendered)
    for service in rendered.get("services", {}).values():
        mounts = service.get("secrets", [])
        if any(_names(mount) for mount in mounts):
            user, group = daemon.user(_image(service["image"], release))
            service["secrets"] = [
                {**_long(mount), "uid": user, "gid": group, "mode": "0600"} if _names(mount) else mount
                for mount in mounts
            ]
    file = File(json.dumps(rendered, indent=1, sort_keys=True).encode(), 0o600)
    return replace(release, files={**release.files, RENDERED: file})


def _names(mount: Any) -> bool:
    return mount == _SECRET or (isinstance(mount, dict) and mount.get("source") == _SECRET)


def _long(mount: Any) -> dict[str, Any]:
    return {"source": mount, "target": f"/run/secrets/{mount}"} if isinstance(mount, str) else mount


def _image(text: str, release: Release) -> str:
    """Returns the image that a rendered service names, if need be by a variable like ${APP_IMAGE}."""
    for name, uri in release.record.images.items():
        text = text.replace(f"${{{name.upper().replace('-', '_')}_IMAGE}}", uri)
    return text
