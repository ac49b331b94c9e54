"""The local registry checks with IAM what the daemon may do for a build, whatever name a Dockerfile uses.

The filter reads the names in calls. The daemon reads the Dockerfile: `FROM 127.0.0.1:4701/…`, or a name composed of two
arguments, appears in no call. The daemon's user agent names the client whose request it serves, as
`UpstreamClient(…)`, and the filter gives each build a user agent that only the filter knows.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from ministack.services import ecr

from localcloud.codebuild.proxy.calls import PULL, PUSH, Build

SYMBOLS: tuple[str, ...] = ("ministack.services.ecr:_parse_v2_path", "ministack.services.ecr:handle_registry_request")
_CLIENT = re.compile(r"UpstreamClient\((localcloud-build/[0-9a-f]{32})\)")
_BUILDKIT = re.compile(r"(containerd|buildkit)/")  # Docker 20.10 sends the first, later versions either
_FORBIDDEN = 403
_builds: dict[str, Build] = {}


def know(build: Build) -> None:
    """Give a build the user agent by which the registry knows it."""
    build.agent = f"localcloud-build/{uuid.uuid4().hex}"
    _builds[build.agent] = build


def forget(build: Build) -> None:
    """Forgets the user agent of a build that ended."""
    _builds.pop(build.agent, None)


def asking(agent: str) -> list[Build]:
    """Returns the builds that the daemon's request may serve; none if it serves another client.

    BuildKit names no client, so any build that builds an image now may have caused the request.
    """
    if match := _CLIENT.search(agent):
        return [_builds[match[1]]] if match[1] in _builds else []
    return [build for build in _builds.values() if build.building] if _BUILDKIT.match(agent) else []


async def refusal(method: str, path: str, headers: Mapping[str, str]) -> str:
    """Returns the reason why the registry refuses a build's request; empty if it answers."""
    _verb, repository, _reference = ecr._parse_v2_path(path) or ("", "", "")
    agent = next((value for name, value in headers.items() if name.lower() == "user-agent"), "")
    builds = asking(agent) if repository else []
    action = PULL if method in ("GET", "HEAD") else PUSH
    why = ""
    for build in builds:
        why = await build.may(action, repository)
        if not why:
            return ""
    return why


def install() -> None:
    """Make the registry check with IAM before it answers."""
    plain = ecr.handle_registry_request

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query_params: Any) -> Any:
        if why := await refusal(method.upper(), path, headers):
            answer = {"errors": [{"code": "DENIED", "message": why.removeprefix("denied: ")}]}
            return _FORBIDDEN, {"Content-Type": "application/json"}, json.dumps(answer).encode()
        return await plain(method, path, headers, body, query_params)

    ecr.handle_registry_request = handle
