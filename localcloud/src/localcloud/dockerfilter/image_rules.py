"""Rules for images: a build uses those of this machine, names its own, and pulls and pushes what its role allows."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, unquote

from localcloud.dockerfilter import archives, container_rules, images
from localcloud.dockerfilter.calls import PULL, PUSH, Body, Build, Call, Table, image_in
from localcloud.dockerfilter.container_rules import RefusedError
from localcloud.dockerfilter.names import Image, parse, repositories_in, target, to_local

TABLE = Table()
_CREDENTIALS = "x-registry-auth x-registry-config"
_BUILD_QUERY = (
    "dockerfile t extrahosts remote q nocache cachefrom pull rm forcerm memory memswap cpushares cpusetcpus cpusetmems "
    "cpuperiod cpuquota buildargs shmsize squash labels networkmode platform target outputs version session buildid "
    "ulimits cgroupparent securityopt"
)


def _set_name(call: Call, image: Image) -> None:
    """Replaces the name that a call gives by the checked one."""
    call.query["repo"], call.query["tag"] = [image.name], [image.tag]
    call.gives_name = True


async def _claim_name(call: Call, build: Build) -> None:
    """Claims the name in the parameters `repo` and `tag` for the build, if the call has one."""
    if not call.first("repo"):
        call.query.pop("tag", None)
        return
    image = target(call.first("repo"), call.first("tag"))
    await build.claim(image)
    _set_name(call, image)


# --- reading ---------------------------------------------------------------------------------------------------------


@TABLE.on("GET", "/images/json", query="all filters digests")
async def _list(call: Call, _match: re.Match[str], _build: Build) -> None:
    if "filters" in call.query:
        call.query["filters"] = [to_local(call.first("filters"))]
    call.rewrites_answer = True


@TABLE.on("GET", "/images/search", query="term limit filters", headers=_CREDENTIALS)
async def _search(_call: Call, _match: re.Match[str], _build: Build) -> None:
    return


@TABLE.on("GET", "/images/get", query="names")
async def _save(call: Call, _match: re.Match[str], build: Build) -> None:
    call.query["names"] = [await _visible(name, build) for name in call.query.get("names", [])]


@TABLE.on("GET", "/(?P<kind>images)/(?P<name>.+)/(?P<verb>json|history|get)")
@TABLE.on("GET", "/(?P<kind>distribution)/(?P<name>.+)/(?P<verb>json)", headers=_CREDENTIALS)
async def _image(call: Call, match: re.Match[str], build: Build) -> None:
    name = await _visible(unquote(match["name"]), build)
    call.path = f"/{match['kind']}/{quote(name, safe='/:@')}/{match['verb']}"
    call.rewrites_answer = match["verb"] != "get"


async def _visible(name: str, build: Build) -> str:
    """Returns the name or id of an image to send to the daemon, after checking that the build may use it."""
    image = image_in(name)
    if image is None:
        return name
    await build.check_visible(image)
    return str(image)


# --- pull and push ---------------------------------------------------------------------------------------------------


@TABLE.on(
    "POST",
    "/images/create",
    body=Body.ARCHIVE,
    query="fromImage fromSrc repo tag message platform changes",
    headers=_CREDENTIALS,
)
async def _create(call: Call, _match: re.Match[str], build: Build) -> None:
    if not call.first("fromImage"):
        if call.first("fromSrc") != "-":
            call.carries = Body.NOTHING  # the daemon downloads the image
        await _claim_name(call, build)
        return
    call.carries = Body.NOTHING
    for name in ("fromSrc", "repo", "message", "changes"):
        call.query.pop(name, None)
    image, tag = parse(call.first("fromImage").removesuffix(":")), call.first("tag")
    if tag:
        image = parse(f"{image.name}{'@' if ':' in tag else ':'}{tag}")
    await build.check_allowed(PULL, image.repository)
    images.check_visible(build.id, image)
    call.query["fromImage"], call.query["tag"] = [image.name], [image.digest or image.tag]


@TABLE.on("POST", "/images/(?P<name>.+)/push", query="tag", headers=_CREDENTIALS)
async def _push(call: Call, match: re.Match[str], build: Build) -> None:
    image = parse(unquote(match["name"]))
    if not image.repository:
        raise RefusedError(f"push {image}: a build may push to ECR of the local cloud only")
    await build.check_allowed(PUSH, image.repository)
    if image.tag and not call.first("tag"):
        call.query["tag"] = [image.tag]
    call.path = f"/images/{quote(image.name, safe='/:')}/push"


# --- giving names ----------------------------------------------------------------------------------------------------


@TABLE.on("POST", "/images/load", body=Body.ARCHIVE, query="quiet")
async def _load(call: Call, _match: re.Match[str], build: Build) -> None:
    async def checked(path: str) -> str:
        return await archives.checked(path, build.claim)

    call.archive = checked
    call.gives_name = True


@TABLE.on("POST", "/images/(?P<name>.+)/tag", query="repo tag")
async def _tag(call: Call, match: re.Match[str], build: Build) -> None:
    name = await _visible(unquote(match["name"]), build)
    call.path = f"/images/{quote(name, safe='/:@')}/tag"
    await _claim_name(call, build)


@TABLE.on("DELETE", "/images/(?P<name>.+)", query="force noprune")
async def _remove(call: Call, match: re.Match[str], build: Build) -> None:
    image = image_in(unquote(match["name"]))
    if image is None or build.id not in images.NAMES.holders(images.full(image)):
        raise RefusedError(
            f"the image {unquote(match['name'])} was not named by this build: a build may remove only its own images"
        )
    call.path = f"/images/{quote(str(image), safe='/:')}"


@TABLE.on("POST", "/commit", body=Body.JSON, query="container repo tag comment author pause changes")
async def _commit(call: Call, _match: re.Match[str], build: Build) -> None:
    call.query["container"] = [await build.owned.container(call.first("container"))]
    call.body = container_rules.folded(call.body, "commit")
    await _claim_name(call, build)


# --- building images -------------------------------------------------------------------------------------------------


@TABLE.on("POST", "/build", body=Body.ARCHIVE, query=_BUILD_QUERY, headers=_CREDENTIALS)
async def _build_image(call: Call, _match: re.Match[str], build: Build) -> None:
    mode = call.first("networkmode")
    if mode == "host":
        raise RefusedError("build --network host is refused: it gives access to the machine that runs the local cloud")
    if mode.startswith("container:"):
        call.query["networkmode"] = ["container:" + await build.owned.container(mode.partition(":")[2])]
    elif mode not in ("", "default", "bridge", "none"):
        call.query["networkmode"] = [await build.owned.network(mode, build.cloud_network)]
    for name in ("cgroupparent", "securityopt"):
        if call.first(name):
            raise RefusedError(f"build: {name} is refused")
    if call.first("remote") and call.first("remote") != "client-session":
        call.carries = Body.NOTHING  # the daemon downloads the build context
    for name in ("cachefrom", "buildargs"):
        if name in call.query:
            call.query[name] = [to_local(call.first(name))]
            await build.check_allowed(PULL, *sorted(repositories_in(call.first(name))))
    named = [target(name) for name in call.query.get("t", []) if name]
    call.query["t"] = [str(image) for image in named]
    if call.first("outputs"):
        call.query["outputs"] = [json.dumps(_outputs(json.loads(call.first("outputs")), named))]
    await build.claim(*named)


def _outputs(given: Any, named: list[Image]) -> list[dict[str, Any]]:
    """Returns the checked outputs (BuildKit's exporters): files for the client, or an image with the names of `t`."""
    found = []
    for output in given or []:
        folded = container_rules.folded(output, "outputs")
        kind, attributes = str(folded.get("type") or ""), container_rules.mapping_or_empty(folded.get("attrs"))
        if kind not in ("local", "tar", "cacheonly"):
            named += [target(name.strip()) for name in str(attributes.get("name") or "").split(",") if name.strip()]
            attributes = {**attributes, "name": ",".join(map(str, named))}
            if not named:
                attributes.pop("name")
        found.append({"Type": kind, "Attrs": {str(key): str(value) for key, value in attributes.items()}})
    return found


@TABLE.on("POST", "/build/cancel", query="id")
async def _cancel(_call: Call, _match: re.Match[str], _build: Build) -> None:
    return


@TABLE.on("POST", "/session", headers="x-docker-expose-session-")
async def _session(call: Call, _match: re.Match[str], _build: Build) -> None:
    call.hijacks = True


@TABLE.on("POST", "/grpc")
async def _grpc(call: Call, _match: re.Match[str], _build: Build) -> None:
    call.hijacks = call.grpc = True
