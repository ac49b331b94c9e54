"""Rules for containers, networks and volumes: a build may use only its own."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

from localcloud.dockerfilter import container_rules
from localcloud.dockerfilter.calls import Body, Build, Call, Table, image_in
from localcloud.dockerfilter.container_rules import RefusedError
from localcloud.dockerfilter.daemon import MissingError, request
from localcloud.dockerfilter.names import to_local

TABLE = Table()
METADATA_ADDRESS = "169.254.169.254"


# --- containers ------------------------------------------------------------------------------------------------------


@TABLE.on("POST", "/containers/create", body=Body.JSON, query="name platform")
async def _create(call: Call, _match: re.Match[str], build: Build) -> None:
    own = container_rules.Own(build.labels, build.source_folder, build.source_volume)
    call.body, wanted = container_rules.create(call.body, own, await build.hosts(), to_local)
    for reference in wanted.containers:
        await build.owned.container(reference)
    for reference in wanted.networks:
        await build.owned.network(reference, build.cloud_network)
    for name in wanted.volumes:
        await build.owned.volume_to_use(name, build.labels)
    if image := image_in(call.body["image"]):
        await build.check_visible(image)
        call.body["image"] = str(image)
    needs_no_network = (
        wanted.mode == "none" or wanted.mode.startswith("container:") or build.cloud_network in wanted.networks
    )
    prepared = call.on_created

    async def complete(created: Any) -> None:
        if prepared is not None:
            await prepared(created)
        if not needs_no_network:
            await _connect_to_cloud(created, build)

    call.on_created = complete


async def _connect_to_cloud(created: Any, build: Build) -> None:
    """Connects a new container to the local cloud's network, in addition to its own network.

    The address of instance metadata is the container's own there: it reaches neither that of a host nor that of the
    machine that runs the local cloud.
    """
    endpoint = {"IPAMConfig": {"LinkLocalIPs": [METADATA_ADDRESS]}} if build.is_host else {}
    body = {"Container": created["Id"], "EndpointConfig": endpoint}
    await request("POST", f"/networks/{build.cloud_network}/connect", body)


_ID = r"/containers/(?P<id>[^/]+)"
_LOG_QUERY = "follow stdout stderr since until timestamps tail details"


@TABLE.on("GET", _ID + "/(?P<verb>json)", query="size")
@TABLE.on("GET", _ID + "/(?P<verb>logs)", query=_LOG_QUERY)
@TABLE.on("GET", _ID + "/(?P<verb>top)", query="ps_args")
@TABLE.on("GET", _ID + "/(?P<verb>stats)", query="stream one-shot")
@TABLE.on("GET", _ID + "/(?P<verb>changes|export)")
@TABLE.on("GET HEAD", _ID + "/(?P<verb>archive)", query="path")
@TABLE.on("PUT", _ID + "/(?P<verb>archive)", query="path noOverwriteDirNonDir copyUIDGID", body=Body.ARCHIVE)
@TABLE.on("POST", _ID + "/(?P<verb>start)", query="detachKeys")
@TABLE.on("POST", _ID + "/(?P<verb>stop|restart)", query="t")
@TABLE.on("POST", _ID + "/(?P<verb>kill)", query="signal")
@TABLE.on("POST", _ID + "/(?P<verb>pause|unpause)")
@TABLE.on("POST", _ID + "/(?P<verb>wait)", query="condition")
@TABLE.on("POST", _ID + "/(?P<verb>resize)", query="h w")
@TABLE.on("POST", _ID + "/(?P<verb>rename)", query="name")
async def _container(call: Call, match: re.Match[str], build: Build) -> None:
    call.path = f"/containers/{await build.owned.container(unquote(match['id']))}/{match['verb']}"
    call.rewrites_answer = match["verb"] == "json"


@TABLE.on("DELETE", _ID, query="v link force")
async def _remove(call: Call, match: re.Match[str], build: Build) -> None:
    call.path = f"/containers/{await build.owned.container(unquote(match['id']))}"
    if not build.is_host:
        call.query["v"] = ["1"]  # anonymous volumes have no label, so they must be removed with their container


@TABLE.on("POST", _ID + "/attach", query="detachKeys logs stream stdin stdout stderr")
async def _attach(call: Call, match: re.Match[str], build: Build) -> None:
    call.path = f"/containers/{await build.owned.container(unquote(match['id']))}/attach"
    call.hijacks = True


@TABLE.on("POST", _ID + "/exec", body=Body.JSON)
async def _exec(call: Call, match: re.Match[str], build: Build) -> None:
    call.path = f"/containers/{await build.owned.container(unquote(match['id']))}/exec"
    call.body = container_rules.execution(call.body)


@TABLE.on("POST", _ID + "/update", body=Body.JSON)
async def _update(call: Call, match: re.Match[str], build: Build) -> None:
    call.path = f"/containers/{await build.owned.container(unquote(match['id']))}/update"
    call.body = container_rules.update(call.body)


_EXEC_START = {"detach": "Detach", "tty": "Tty", "consolesize": "ConsoleSize"}


@TABLE.on("POST", r"/exec/(?P<id>[^/]+)/start", body=Body.JSON)
async def _run(call: Call, match: re.Match[str], build: Build) -> None:
    call.path = f"/exec/{await build.owned.execution(unquote(match['id']))}/start"
    given = container_rules.folded(call.body, "exec")
    call.body = {name: given[key] for key, name in _EXEC_START.items() if given.get(key) is not None}
    call.hijacks = not given.get("detach")


@TABLE.on("GET", r"/exec/(?P<id>[^/]+)/(?P<verb>json)")
@TABLE.on("POST", r"/exec/(?P<id>[^/]+)/(?P<verb>resize)", query="h w")
async def _execution(call: Call, match: re.Match[str], build: Build) -> None:
    call.path = f"/exec/{await build.owned.execution(unquote(match['id']))}/{match['verb']}"


# --- networks and volumes --------------------------------------------------------------------------------------------


@TABLE.on("POST", "/networks/create", body=Body.JSON)
async def _create_network(call: Call, _match: re.Match[str], build: Build) -> None:
    call.body = container_rules.network(call.body, build.labels)


@TABLE.on("GET", r"/networks/(?P<id>[^/]+)", query="verbose scope")
@TABLE.on("DELETE", r"/networks/(?P<id>[^/]+)")
async def _network(call: Call, match: re.Match[str], build: Build) -> None:
    common = () if call.method == "DELETE" else ("bridge", "none", build.cloud_network)
    call.path = f"/networks/{await build.owned.network(unquote(match['id']), *common)}"


@TABLE.on("POST", r"/networks/(?P<id>[^/]+)/(?P<verb>connect|disconnect)", body=Body.JSON)
async def _connect(call: Call, match: re.Match[str], build: Build) -> None:
    network = await build.owned.network(unquote(match["id"]), build.cloud_network, "bridge")
    call.path = f"/networks/{network}/{match['verb']}"
    wanted, container = container_rules.connect(call.body)
    force = bool(container_rules.folded(call.body, "disconnect").get("force"))
    body = wanted if match["verb"] == "connect" else {"Force": force}
    call.body = {**body, "Container": await build.owned.container(container)}


@TABLE.on("POST", "/volumes/create", body=Body.JSON)
async def _create_volume(call: Call, _match: re.Match[str], build: Build) -> None:
    call.body = container_rules.volume(call.body, build.labels)
    if call.body["Name"]:
        try:
            await build.owned.volume(call.body["Name"])
        except MissingError:
            return


@TABLE.on("GET", r"/volumes/(?P<id>[^/]+)")
@TABLE.on("DELETE", r"/volumes/(?P<id>[^/]+)", query="force")
async def _volume(call: Call, match: re.Match[str], build: Build) -> None:
    name = unquote(match["id"])
    if "/" in name:
        raise RefusedError(f"{name} is not the name of a volume")
    call.path = f"/volumes/{quote(await build.owned.volume(name), safe='')}"
