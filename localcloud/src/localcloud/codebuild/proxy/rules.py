"""The calls of the Docker API that a build may make: the whole table, and the rules about the daemon itself.

What is not in the table is refused. Of a name only the id goes on that the question about it was answered with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from localcloud.codebuild.proxy import container_rules, image_rules, object_rules
from localcloud.codebuild.proxy.calls import Body, Build, Call, Entry, Table
from localcloud.codebuild.proxy.container_rules import RefusedError
from localcloud.codebuild.proxy.names import is_ecr_host

_OLDEST = (1, 30)  # before 1.24 a start takes a HostConfig of its own
_TABLE = Table()


@dataclass(frozen=True)
class Route:
    """The line of the table for a call."""

    entry: Entry
    match: re.Match[str]


def table() -> Iterator[Entry]:
    """Every line of the table."""
    for part in (_TABLE, image_rules.TABLE, object_rules.TABLE):
        yield from part


def route(method: str, path: str) -> Route:
    """The rule for a method and a path without its version; raises if there is none."""
    for entry in table():
        match = entry.pattern.match(path)
        if match and method in entry.methods:
            return Route(entry, match)
    raise RefusedError(f"{method} {path} is refused: builds may not use this part of the Docker API")


def without_version(path: str) -> str:
    """The path behind `/v1.41`; old versions know ways around the rules."""
    match = re.match(r"/v(\d+)\.(\d+)(?=/)", path)
    if match is None:
        return path
    if (int(match[1]), int(match[2])) < _OLDEST:
        raise RefusedError(f"version {match[1]}.{match[2]} of the Docker API is refused: use a newer docker command")
    return path[match.end() :]


@_TABLE.on("GET HEAD", "/_ping")
@_TABLE.on("GET", "/version|/info")
async def _plain(_call: Call, _match: re.Match[str], _build: Build) -> None:
    return


@_TABLE.on("POST", "/auth", body=Body.JSON)
async def _login(call: Call, _match: re.Match[str], _build: Build) -> None:
    server = container_rules.folded(call.body, "auth").get("serveraddress") or ""
    if not is_ecr_host(str(server)):
        raise RefusedError(f"docker login {server}: the local cloud has no other registry than ECR's")
    call.answer = {"Status": "Login Succeeded", "IdentityToken": ""}


@_TABLE.on("GET", "/containers/json", query="all limit size filters")
@_TABLE.on("GET", "/networks|/volumes", query="filters")
@_TABLE.on("GET", "/events", query="since until filters")
@_TABLE.on("POST", "/(containers|networks|volumes)/prune", query="filters")
async def _listed(call: Call, _match: re.Match[str], build: Build) -> None:
    """Add the build's label to the filters of a list."""
    given = container_rules.folded_keys_kept(json.loads(call.first("filters") or "{}"))
    filters = {str(name): [str(value) for value in values] for name, values in given.items()}
    filters["label"] = [*filters.get("label", []), build.owned.filter]
    call.query["filters"] = [json.dumps(filters)]
    call.renames = True
