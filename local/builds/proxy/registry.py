"""The local registry asks IAM what the daemon may do there for a build, whatever name an image has in the Dockerfile.

The filter reads the names in calls. A Dockerfile is read by the daemon, and `FROM 127.0.0.1:4701/…` there, or a name
that is put together from two arguments, is in no call. The daemon tells a registry for whom it asks: its user agent
quotes the client's, as `UpstreamClient(…)`, and what goes through the filter has one that only the filter knows.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from ministack.services import ecr

from local.builds.proxy.calls import PULL, PUSH, Build

SYMBOLS: tuple[str, ...] = ("ministack.services.ecr:_parse_v2_path", "ministack.services.ecr:handle_registry_request")
_CLIENT = re.compile(r"UpstreamClient\((slipway-build/[0-9a-f]{32})\)")
_BUILDKIT = re.compile(r"(containerd|buildkit)/")  # Docker 20.10 says the first, later ones either
_FORBIDDEN = 403
_builds: dict[str, Build] = {}


def know(build: Build) -> None:
    """Give a build the user agent by which the registry knows it."""
    build.agent = f"slipway-build/{uuid.uuid4().hex}"
    _builds[build.agent] = build


def forget(build: Build) -> None:
    """The build is over."""
    _builds.pop(build.agent, None)


def asking(agent: str) -> list[Build]:
    """The builds for which the daemon may be asking; none if it asks for somebody else.

    BuildKit quotes nobody: each build that builds an image now may be meant.
    """
    if match := _CLIENT.search(agent):
        return [_builds[match[1]]] if match[1] in _builds else []
    return [build for build in _builds.values() if build.building] if _BUILDKIT.match(agent) else []


async def refusal(method: str, path: str, headers: Mapping[str, str]) -> str:
    """Why the registry does not answer a build; empty if it does."""
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
    """Put the question before the registry's answers."""
    plain = ecr.handle_registry_request

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query_params: Any) -> Any:
        if why := await refusal(method.upper(), path, headers):
            answer = {"errors": [{"code": "DENIED", "message": why.removeprefix("denied: ")}]}
            return _FORBIDDEN, {"Content-Type": "application/json"}, json.dumps(answer).encode()
        return await plain(method, path, headers, body, query_params)

    ecr.handle_registry_request = handle
