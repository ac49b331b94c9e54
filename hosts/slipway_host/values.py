"""Joins the parts of a value (text, image, secret, release) and writes env files that compose reads literally."""

from __future__ import annotations

import json
import re
from typing import Any

from slipway_host.cloud import Cloud
from slipway_host.output import Failed, Output
from slipway_host.settings import Record

# In the secret of a database, which names itself after these; hiding them would hide half of what a container says.
_PUBLIC = frozenset({"dbname", "engine", "host", "port", "username"})
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=~-]*")


class Values:
    """The values of one release. Each secret is read once, and is hidden in the output."""

    def __init__(self, record: Record, cloud: Cloud, output: Output) -> None:
        self._record, self._cloud, self._output = record, cloud, output
        self._secrets: dict[str, str] = {}

    def joined(self, parts: list[Any], where: str) -> str:
        """Returns a value.

        Raises:
            Failed: if a part names an image or a key that does not exist; the message names the variable.
        """
        return "".join(self._part(part, where) for part in parts)

    def _part(self, part: Any, where: str) -> str:
        if isinstance(part, str):
            return part
        if isinstance(part, dict) and isinstance(part.get("image"), str):
            found = self._record.images.get(part["image"])
            if found is None:
                known = ", ".join(sorted(self._record.images))
                raise Failed(f"{where} needs the image {part['image']}; this release has {known}")
            return found
        if isinstance(part, dict) and isinstance(part.get("secret"), str):
            return self._secret(part["secret"], part.get("key"), where)
        if isinstance(part, dict) and part.get("release") in ("version", "commit"):
            return str(getattr(self._record, part["release"]))
        raise Failed(f"{where} has a part that this program does not know: deploy the environment's stacks again")

    def _secret(self, arn: str, key: str | None, where: str) -> str:
        if arn not in self._secrets:
            self._secrets[arn] = self._cloud.secret(arn)
            self._output.hide(self._secrets[arn])
        text = self._secrets[arn]
        if key is None:
            return text
        try:
            found = json.loads(text)[key]
        except (ValueError, KeyError, TypeError):
            raise Failed(f"{where} needs the key {key} of the secret {arn}, which does not have it") from None
        value = found if isinstance(found, str) else json.dumps(found)
        if key not in _PUBLIC:
            self._output.hide(value)
        return value


def env_file(variables: list[tuple[str, str]]) -> bytes:
    """Returns the text of an env file; docs.docker.com/compose/how-tos/environment-variables/variable-interpolation."""
    return "".join(f"{name}={quoted(value)}\n" for name, value in variables).encode()


def quoted(value: str) -> str:
    """Returns a value so that compose reads exactly it: plain if it may be, in single quotes if they are enough."""
    if _PLAIN.fullmatch(value):
        return value
    if "'" not in value and "\\" not in value:
        return f"'{value}'"
    escaped = (
        value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n").replace("\r", "\\r")
    )
    return f'"{escaped}"'
