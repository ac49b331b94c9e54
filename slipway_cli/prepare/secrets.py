"""Asks for the secrets that a manifest names and that do not exist, and creates them. No value is printed or kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from slipway_cli.doctor.named_secrets import wanted
from slipway_cli.doctor.scene import Scene, none_if

Ask = Callable[[str], str]
"""Asks for a secret value with a prompt, without showing it; an empty answer skips it."""
Say = Callable[[str], None]


def create(scene: Scene, ask: Ask | None, say: Say) -> None:
    """Create the missing secrets of a place; without `ask` nothing is created, and each is named."""
    for name, keys in missing(scene).items():
        if ask is None:
            say(f"secret {name}: missing, and there is no terminal to ask for its value")
            continue
        value = _asked(name, keys, ask)
        if not value:
            say(f"secret {name}: skipped")
            continue
        scene.client("secretsmanager").create_secret(Name=name, SecretString=value)
        say(f"secret {name}: created")


def missing(scene: Scene) -> dict[str, list[str]]:
    """Returns the keys of each secret that does not exist; no keys if the whole value is used."""
    found: dict[str, list[str]] = {}
    for part in scene.place.parts:
        for secret in wanted(scene.product, part):
            keys = found.setdefault(secret.name, [])
            if secret.key and secret.key not in keys:
                keys.append(secret.key)
    describe = scene.client("secretsmanager").describe_secret
    return {
        name: keys
        for name, keys in sorted(found.items())
        if none_if({"ResourceNotFoundException"}, describe, SecretId=name) is None
    }


def _asked(name: str, keys: Iterable[str], ask: Ask) -> str:
    """Returns the value of a secret, JSON if it has keys; empty if an answer was."""
    values = {key: ask(f"{name}, key {key}: ") for key in keys}
    if not values:
        return ask(f"{name}: ")
    return json.dumps(values) if all(values.values()) else ""
