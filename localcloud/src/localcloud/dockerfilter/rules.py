"""The table of Docker API calls that a build may make, and the rules about the daemon itself.

A call that is not in the table is refused. Names of containers and networks are resolved to ids, and only the id is
forwarded: the name could lead to another object by the time the daemon reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from localcloud.dockerfilter import container_rules, image_rules, object_rules
from localcloud.dockerfilter.calls import Body, Build, Call, Entry, Table
from localcloud.dockerfilter.container_rules import RefusedError
from localcloud.dockerfilter.names import is_ecr_host

_OLDEST = (1, 30)  # before version 1.24 a request to start a container may contain a HostConfig
_TABLE = Table()


@dataclass(frozen=True)
class Route:
    """An entry of the table that matches a call."""

    entry: Entry
    match: re.Match[str]


def table() -> Iterator[Entry]:
    """Yields every entry of the table."""
    for part in (_TABLE, image_rules.TABLE, object_rules.TABLE):
        yield from part


def route(method: str, path: str, own: Iterable[Entry] = ()) -> Route:
    """Returns the entry for a method and a path without its version; those of `own` come first.

    Raises:
        RefusedError: if no entry matches.
    """
    for entry in chain(own, table()):
        match = entry.pattern.match(path)
        if match and method in entry.methods:
            return Route(entry, match)
    raise RefusedError(f"{method} {path} is refused: builds may not use this part of the Docker API")


def without_version(path: str) -> str:
    """Returns the path without its version, such as `/v1.41`.

    Raises:
        RefusedError: for an old version, whose requests could bypass the rules.
    """
    match = re.match(r"/v(\d+)\.(\d+)(?=/)", path)
    if match is None:
        return path
    if (int(match[1]), int(match[2])) < _OLDEST:
        raise RefusedError(f"version {match[1]}.{match[2]} of the Docker API is refused: use a newer docker command")
    return path[match.end() :]


@_TABLE.on("GET HEAD", "/_ping")
@_TABLE.on("GET", "/version|/info")
async def _unchanged(_call: Call, _match: re.Match[str], _build: Build) -> None:
    return


@_TABLE.on("POST", "/auth", body=Body.JSON)
async def _login(call: Call, _match: re.Match[str], _build: Build) -> None:
    server = container_rules.folded(call.body, "auth").get("serveraddress") or ""
    if not is_ecr_host(str(server)):
        raise RefusedError(f"docker login {server}: the local cloud has no registry except ECR's")
    call.answer = {"Status": "Login Succeeded", "IdentityToken": ""}


@_TABLE.on("GET", "/containers/json", query="all limit size filters")
@_TABLE.on("GET", "/networks|/volumes", query="filters")
@_TABLE.on("GET", "/events", query="since until filters")
@_TABLE.on("POST", "/(containers|networks|volumes)/prune", query="filters")
async def _filtered(call: Call, _match: re.Match[str], build: Build) -> None:
    """Restricts a list to objects with the build's label."""
    given = container_rules.mapping_or_empty(json.loads(call.first("filters") or "{}"))
    filters = {str(name): [str(value) for value in values] for name, values in given.items()}
    filters["label"] = [*filters.get("label", []), build.owned.filter]
    call.query["filters"] = [json.dumps(filters)]
    call.rewrites_answer = True
