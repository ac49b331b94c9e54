"""The configuration of a host that runs MicroK8s, parsed once; errors name the key and what to do."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway_host.kubernetes.rendering import Place
from slipway_host.output import Failed
from slipway_host.settings import Verify, checked, parsed, variables, verify

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


@dataclass(frozen=True)
class Migration:
    """The command of the Job that migrates."""

    command: tuple[str, ...]
    timeout_seconds: float


@dataclass(frozen=True)
class ClusterConfiguration:
    """The settings of an environment on Kubernetes, from Parameter Store."""

    folder: Path
    file: str
    """The file of the bundle with the objects."""
    place: Place
    config: list[tuple[str, list[Any]]]
    """The variables of the ConfigMap, each with the parts of its value."""
    secret: list[tuple[str, list[Any]]]
    """The variables of the Secret."""
    registry: str
    """The registry whose password pods need; empty if the nodes pull with a role of their own."""
    migration: Migration | None
    rollout_seconds: int
    verify: Verify | None
    keep_releases: int

    @classmethod
    def parse(cls, text: str) -> ClusterConfiguration:
        """Parses the JSON of the parameter.

        Raises:
            Failed: if a key is missing or wrong.
        """
        values = parsed(text, "the configuration")
        names = {name: values.text(name, _NAME) for name in Place.__dataclass_fields__ if name != "namespace"}
        migration = values.table("migration")
        return cls(
            folder=Path(values.text("folder", re.compile(r"/[^/\0]+(/[^/\0]+)+"))),
            file=checked(values.text("objects")),
            place=Place(namespace=values.text("namespace", _NAME), **names),
            config=variables(values, "config"),
            secret=variables(values, "secrets"),
            registry=values.text("registry", re.compile(r"[^\s/]*")),
            migration=Migration(migration.texts("command"), migration.number("timeout_seconds", 1800))
            if migration
            else None,
            rollout_seconds=int(values.number("rollout_seconds", 300)),
            verify=verify(values.table("verify")),
            keep_releases=max(1, int(values.number("keep_releases", 2))),
        )


def is_cluster(text: str) -> bool:
    """True if a configuration is one of MicroK8s and not of Docker Compose."""
    try:
        return bool(json.loads(text).get("target") == "kubernetes")
    except (ValueError, AttributeError):
        return False


def objects(content: bytes, name: str) -> list[dict[str, Any]]:
    """Returns the objects of a bundle's file.

    Raises:
        Failed: if it is not what the build of the manifests writes.
    """
    try:
        found = json.loads(content)
    except ValueError as error:
        raise Failed(f"{name} of the bundle is not JSON: {error}") from None
    good = isinstance(found, list) and all(
        isinstance(part, dict) and isinstance(part.get("kind"), str) and isinstance(part.get("metadata"), dict)
        for part in found
    )
    if not good:
        raise Failed(f"{name} of the bundle holds no list of objects: run the pipeline again")
    return list(found)
