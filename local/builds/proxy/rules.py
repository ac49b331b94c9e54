"""The calls of the Docker API that a build may make, and what becomes of each on its way to the daemon.

What is not in the table is refused. Of a name only the id goes on that the question about it was answered with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from local.builds.proxy import container_rules as containers
from local.builds.proxy.container_rules import RefusedError
from local.builds.proxy.daemon import MissingError, Owned, ask
from local.builds.proxy.names import is_ecr_host, repository, tagged, to_local

PUSH, PULL = "ecr:PutImage", "ecr:BatchGetImage"
_OLDEST = (1, 30)  # before 1.24 a start takes a HostConfig of its own

Query = dict[str, list[str]]


@dataclass
class Call:
    """A request of the docker command, and what is sent to the daemon in its place."""

    method: str
    path: str
    query: Query
    body: Any = None  # JSON that takes the place of the request's body
    hijacks: bool = False
    grpc: bool = False
    renames: bool = False  # the answer is JSON in which the local registry's names occur
    answer: Any = None  # answered here
    created: Callable[[Any], Awaitable[None]] | None = None  # runs after the daemon's answer


@dataclass
class Build:
    """What the rules know of the build that asks."""

    owned: Owned
    labels: dict[str, str]
    source_volume: str
    cloud_network: str
    hosts: Callable[[], Awaitable[list[str]]]
    may: Callable[[str, str], Awaitable[str]]  # action, repository -> why not
    images: set[str] = field(default_factory=set)  # names this build gave


Rule = Callable[[Call, re.Match[str], Build], Awaitable[None]]
_READS_JSON: set[Rule] = set()
_TABLE: list[tuple[str, re.Pattern[str], Rule]] = []


def _on(methods: str, pattern: str, *, json_body: bool = False) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        _TABLE.extend((method, re.compile(pattern + r"\Z"), rule) for method in methods.split())
        if json_body:
            _READS_JSON.add(rule)
        return rule

    return register


@dataclass(frozen=True)
class Route:
    """The rule for a call."""

    rule: Rule
    match: re.Match[str]
    reads_json: bool


def route(method: str, path: str) -> Route:
    """The rule for a method and a path without its version; raises if there is none."""
    for allowed, pattern, rule in _TABLE:
        match = pattern.match(path)
        if match and allowed == method:
            return Route(rule, match, rule in _READS_JSON)
    raise RefusedError(f"{method} {path} is refused: builds may not use this part of the Docker API (docs/adr/0009)")


def without_version(path: str) -> str:
    """The path behind `/v1.41`; old versions know ways around the rules."""
    match = re.match(r"/v(\d+)\.(\d+)(?=/)", path)
    if match is None:
        return path
    if (int(match[1]), int(match[2])) < _OLDEST:
        raise RefusedError(f"version {match[1]}.{match[2]} of the Docker API is refused: use a newer docker command")
    return path[match.end() :]


# --- the daemon ------------------------------------------------------------------------------------------------------


@_on("GET HEAD", "/_ping")
@_on("GET", "/version|/info")
async def _plain(_call: Call, _match: re.Match[str], _build: Build) -> None:
    return


@_on("POST", "/auth", json_body=True)
async def _login(call: Call, _match: re.Match[str], _build: Build) -> None:
    server = containers.folded(call.body, "auth").get("serveraddress") or ""
    if not is_ecr_host(str(server)):
        raise RefusedError(f"docker login {server}: the local cloud has no other registry than ECR's")
    call.answer = {"Status": "Login Succeeded", "IdentityToken": ""}


def _only_own(call: Call, build: Build) -> None:
    """Add the build's label to the filters of a list."""
    given = json.loads((call.query.get("filters") or ["{}"])[0] or "{}")
    filters = {str(name): list(values) for name, values in given.items()}
    filters["label"] = [*filters.get("label", []), build.owned.filter]
    call.query["filters"] = [json.dumps(filters)]


@_on("GET", "/(containers/json|networks|volumes|events)")
@_on("POST", "/(containers|networks|volumes)/prune")
async def _listed(call: Call, _match: re.Match[str], build: Build) -> None:
    _only_own(call, build)
    call.renames = True


# --- images ----------------------------------------------------------------------------------------------------------


def _first(call: Call, name: str) -> str:
    return (call.query.get(name) or [""])[0]


def _local_queries(call: Call, *names: str) -> None:
    for name in names:
        if name in call.query:
            call.query[name] = [to_local(value) for value in call.query[name]]


async def _allowed(build: Build, action: str, image: str) -> None:
    if name := repository(image):
        why = await build.may(action, name)
        if why:
            raise RefusedError(why)


def _named_image(call: Call, match: re.Match[str]) -> str:
    name = to_local(unquote(match["name"]))
    call.path = f"/images/{quote(name, safe='/:@')}/{match['verb']}" if match["verb"] else f"/images/{name}"
    return name


@_on("GET", "/images/json")
@_on("GET", "/images/search|/images/get")
async def _images(call: Call, _match: re.Match[str], _build: Build) -> None:
    _local_queries(call, "names", "filters", "reference")
    call.renames = call.path.endswith("/json")


@_on("GET", "/(?P<kind>images|distribution)/(?P<name>.+)/(?P<verb>json|history|get)")
async def _image(call: Call, match: re.Match[str], _build: Build) -> None:
    name = to_local(unquote(match["name"]))
    call.path = f"/{match['kind']}/{quote(name, safe='/:@')}/{match['verb']}"
    call.renames = match["verb"] != "get"


@_on("POST", "/images/create")
async def _pull(call: Call, _match: re.Match[str], build: Build) -> None:
    _local_queries(call, "fromImage", "repo")
    await _allowed(build, PULL, _first(call, "fromImage"))
    if _first(call, "fromSrc"):
        build.images.add(tagged(_first(call, "repo"), _first(call, "tag")))


@_on("POST", "/images/load")
async def _load(_call: Call, _match: re.Match[str], _build: Build) -> None:
    return


@_on("POST", "/images/(?P<name>.+)/(?P<verb>push)")
async def _push(call: Call, match: re.Match[str], build: Build) -> None:
    name = _named_image(call, match)
    if not repository(name):
        raise RefusedError(f"push {name}: builds push to ECR of the local cloud only")
    await _allowed(build, PUSH, name)


@_on("POST", "/images/(?P<name>.+)/(?P<verb>tag)")
async def _tag(call: Call, match: re.Match[str], build: Build) -> None:
    _named_image(call, match)
    _local_queries(call, "repo")
    build.images.add(tagged(_first(call, "repo"), _first(call, "tag")))


@_on("DELETE", "/images/(?P<name>.+?)(?P<verb>)")
async def _remove_image(call: Call, match: re.Match[str], build: Build) -> None:
    name = _named_image(call, match)
    if tagged(name, "") not in build.images:
        raise RefusedError(f"the image {unquote(match['name'])} was not named by this build: it stays")


@_on("POST", "/commit", json_body=True)
async def _commit(call: Call, _match: re.Match[str], build: Build) -> None:
    call.query["container"] = [await build.owned.container(_first(call, "container"))]
    _local_queries(call, "repo")
    build.images.add(tagged(_first(call, "repo"), _first(call, "tag")))


# --- builds of images ------------------------------------------------------------------------------------------------


@_on("POST", "/build")
async def _build_image(call: Call, _match: re.Match[str], build: Build) -> None:
    mode = _first(call, "networkmode")
    if mode == "host":
        raise RefusedError("build --network host is refused: it leads to the machine that runs the local cloud")
    if mode.startswith("container:"):
        call.query["networkmode"] = ["container:" + await build.owned.container(mode.partition(":")[2])]
    elif mode not in ("", "default", "bridge", "none"):
        call.query["networkmode"] = [await build.owned.network(mode, build.cloud_network)]
    for name in ("cgroupparent", "securityopt"):
        if _first(call, name):
            raise RefusedError(f"build: {name} is refused")
    _local_queries(call, "t", "cachefrom", "buildargs")
    build.images.update(tagged(name, "") for name in call.query.get("t", []))


@_on("POST", "/build/cancel")
async def _cancel(_call: Call, _match: re.Match[str], _build: Build) -> None:
    return


@_on("POST", "/session")
async def _session(call: Call, _match: re.Match[str], _build: Build) -> None:
    call.hijacks = True


@_on("POST", "/grpc")
async def _grpc(call: Call, _match: re.Match[str], _build: Build) -> None:
    call.hijacks = call.grpc = True


# --- containers ------------------------------------------------------------------------------------------------------


@_on("POST", "/containers/create", json_body=True)
async def _create(call: Call, _match: re.Match[str], build: Build) -> None:
    call.body, wanted = containers.create(call.body, build.source_volume, build.labels, await build.hosts(), to_local)
    for reference in wanted.containers:
        await build.owned.container(reference)
    for reference in wanted.networks:
        await build.owned.network(reference, build.cloud_network)
    for name in wanted.volumes:
        await build.owned.volume_to_use(name, build.labels)
    await _allowed(build, PULL, call.body["image"])
    alone = wanted.mode == "none" or wanted.mode.startswith("container:") or build.cloud_network in wanted.networks
    if not alone:
        call.created = lambda made: _join(made, build)


async def _join(made: Any, build: Build) -> None:
    """Let a new container reach the local cloud, whatever its own network is."""
    await ask("POST", f"/networks/{build.cloud_network}/connect", {"Container": made["Id"]})


_VERBS = "json|logs|top|stats|changes|export|archive|start|stop|restart|kill|pause|unpause|wait|resize|rename"


@_on("GET HEAD PUT POST", rf"/containers/(?P<id>[^/]+)/(?P<verb>{_VERBS})")
async def _container(call: Call, match: re.Match[str], build: Build) -> None:
    call.path = f"/containers/{await build.owned.container(unquote(match['id']))}/{match['verb']}"
    call.renames = match["verb"] == "json"
    if match["verb"] == "start":
        call.body = b""


@_on("DELETE", r"/containers/(?P<id>[^/]+)")
async def _remove(call: Call, match: re.Match[str], build: Build) -> None:
    call.path = f"/containers/{await build.owned.container(unquote(match['id']))}"
    call.query["v"] = ["1"]  # volumes without a name carry no label: they go with their container


@_on("POST", r"/containers/(?P<id>[^/]+)/attach")
async def _attach(call: Call, match: re.Match[str], build: Build) -> None:
    call.path = f"/containers/{await build.owned.container(unquote(match['id']))}/attach"
    call.hijacks = True


@_on("POST", r"/containers/(?P<id>[^/]+)/exec", json_body=True)
async def _exec(call: Call, match: re.Match[str], build: Build) -> None:
    call.path = f"/containers/{await build.owned.container(unquote(match['id']))}/exec"
    call.body = containers.execution(call.body)


@_on("POST", r"/containers/(?P<id>[^/]+)/update", json_body=True)
async def _update(call: Call, match: re.Match[str], build: Build) -> None:
    call.path = f"/containers/{await build.owned.container(unquote(match['id']))}/update"
    call.body = containers.update(call.body)


@_on("POST GET", r"/exec/(?P<id>[^/]+)/(?P<verb>start|json|resize)")
async def _execution(call: Call, match: re.Match[str], build: Build) -> None:
    await build.owned.execution(unquote(match["id"]))
    call.hijacks = match["verb"] == "start"


# --- networks and volumes --------------------------------------------------------------------------------------------


@_on("POST", "/networks/create", json_body=True)
async def _create_network(call: Call, _match: re.Match[str], build: Build) -> None:
    call.body = containers.network(call.body, build.labels)


@_on("GET DELETE", r"/networks/(?P<id>[^/]+)")
async def _network(call: Call, match: re.Match[str], build: Build) -> None:
    common = () if call.method == "DELETE" else ("bridge", "none", build.cloud_network)
    call.path = f"/networks/{await build.owned.network(unquote(match['id']), *common)}"


@_on("POST", r"/networks/(?P<id>[^/]+)/(?P<verb>connect|disconnect)", json_body=True)
async def _connect(call: Call, match: re.Match[str], build: Build) -> None:
    network = await build.owned.network(unquote(match["id"]), build.cloud_network, "bridge")
    call.path = f"/networks/{network}/{match['verb']}"
    wanted, container = containers.connect(call.body)
    force = bool(containers.folded(call.body, "disconnect").get("force"))
    body = wanted if match["verb"] == "connect" else {"Force": force}
    call.body = {**body, "Container": await build.owned.container(container)}


@_on("POST", "/volumes/create", json_body=True)
async def _create_volume(call: Call, _match: re.Match[str], build: Build) -> None:
    call.body = containers.volume(call.body, build.labels)
    if call.body["Name"]:
        try:
            await build.owned.volume(call.body["Name"])
        except MissingError:
            return


@_on("GET DELETE", r"/volumes/(?P<id>[^/]+)")
async def _volume(_call: Call, match: re.Match[str], build: Build) -> None:
    await build.owned.volume(unquote(match["id"]))
