"""Makes the local registry check with IAM the requests that the daemon sends on behalf of a build.

The proxy sees only the image names in API calls. It cannot see those in a Dockerfile, such as `FROM 127.0.0.1:4701/…`
or a name composed of two arguments. But the daemon's user agent contains that of its client, as `UpstreamClient(…)`. So
the proxy gives each build a secret user agent, and the registry recognizes the build by it.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from ministack.services import ecr

from localcloud.dockerfilter.calls import PULL, PUSH, Build

SYMBOLS: tuple[str, ...] = ("ministack.services.ecr:_parse_v2_path", "ministack.services.ecr:handle_registry_request")
_CLIENT = re.compile(r"UpstreamClient\((localcloud-build/[0-9a-f]{32})\)")
_BUILDKIT = re.compile(r"(containerd|buildkit)/")  # Docker 20.10 sends the former, later versions may send either
_FORBIDDEN = 403
_builds: dict[str, Build] = {}


def register(build: Build) -> None:
    """Gives a build the user agent by which the registry recognizes it."""
    build.agent = f"localcloud-build/{uuid.uuid4().hex}"
    _builds[build.agent] = build


def unregister(build: Build) -> None:
    """Forgets the user agent of an ended build."""
    _builds.pop(build.agent, None)


def builds_behind(agent: str) -> list[Build]:
    """Returns the builds for which the daemon may have sent a request; none if it serves another client.

    BuildKit names no client, so every build with an image build in progress may be behind its requests.
    """
    if match := _CLIENT.search(agent):
        return [_builds[match[1]]] if match[1] in _builds else []
    return [build for build in _builds.values() if build.building] if _BUILDKIT.match(agent) else []


async def refusal(method: str, path: str, headers: Mapping[str, str]) -> str:
    """Returns the reason for which the registry denies a request; empty if it is allowed."""
    _verb, repository, _reference = ecr._parse_v2_path(path) or ("", "", "")
    agent = next((value for name, value in headers.items() if name.lower() == "user-agent"), "")
    builds = builds_behind(agent) if repository else []
    action = PULL if method in ("GET", "HEAD") else PUSH
    reason = ""
    for build in builds:
        reason = await build.denial(action, repository)
        if not reason:
            return ""
    return reason


def install() -> None:
    """Makes the registry check its requests with IAM."""
    original = ecr.handle_registry_request

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query_params: Any) -> Any:
        if reason := await refusal(method.upper(), path, headers):
            answer = {"errors": [{"code": "DENIED", "message": reason.removeprefix("denied: ")}]}
            return _FORBIDDEN, {"Content-Type": "application/json"}, json.dumps(answer).encode()
        return await original(method, path, headers, body, query_params)

    ecr.handle_registry_request = handle
