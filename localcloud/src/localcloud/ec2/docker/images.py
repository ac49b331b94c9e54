"""The images of a host: those that it has pulled. Images of this machine that it has not pulled do not exist for it.

What a host removes is untagged for it alone; an image of the local registry is removed from this machine when no host
has it any more. Images of other registries are the user's, and stay.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol, cast
from urllib.parse import quote, unquote

from localcloud.dockerfilter import daemon
from localcloud.dockerfilter import images as named
from localcloud.dockerfilter.calls import PULL, Body, Build, Call, Table
from localcloud.dockerfilter.container_rules import RefusedError, mapping_or_empty
from localcloud.dockerfilter.daemon import DaemonError, MissingError
from localcloud.dockerfilter.names import InvalidNameError, parse, registry, to_ecr
from localcloud.ec2.machines import HOST_LABEL

TABLE = Table()
_CREDENTIALS = "x-registry-auth"
_CONFLICT, _FAILED = 409, 500
_ID = re.compile(r"(sha256:)?[0-9a-f]{12,64}")
_DURATION = {"h": 3600.0, "m": 60.0, "s": 1.0}
_guard = threading.Lock()
_every: list[Pulled] = []
Json = dict[str, Any]


class Pulled:
    """The names of a host's images in the daemon, with their ids."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        with _guard:
            _every.append(self)

    async def visible(self, reference: str) -> Json:
        """Returns the daemon's description of an image that the host has.

        Raises:
            MissingError: if it has none of this name; `docker run` then pulls it.
        """
        missing = MissingError(f"No such image: {reference}")
        is_id = bool(_ID.fullmatch(reference))
        try:
            known = "" if is_id else self.ids.get(named.full(parse(reference)), "")
            found = await inspect(reference if is_id else known or str(parse(reference)))
        except InvalidNameError as error:
            raise DaemonError(400, f"invalid reference format: {reference}") from error
        if found is None or str(found["Id"]) not in self.ids.values():
            raise missing
        return found

    def names_of(self, image_id: str) -> list[str]:
        """Returns the host's names of an image."""
        return [name for name, known in self.ids.items() if known == image_id]

    def released(self) -> list[str]:
        """Forgets all images; returns the names in the local registry that no other host has."""
        with _guard:
            if self in _every:
                _every.remove(self)
        names = list(self.ids)
        self.ids = {}
        return unused(names)

    def listed(self, images: list[Json]) -> list[Json]:
        """Returns the entries of `docker images` that are the host's, with its names."""
        found = []
        for image in images:
            own = self.names_of(str(image["Id"]))
            if own:
                tags = [name for name in own if "@" not in name]
                places = {parse(name).name for name in own}
                digests = [d for d in image.get("RepoDigests") or [] if _place(d) in places]
                found.append({**image, "RepoTags": [ecr(t) for t in tags] or ["<none>:<none>"], "RepoDigests": digests})
        return found


def ecr(name: str) -> str:
    """Returns a name in the local registry as the host knows it."""
    return to_ecr(name.encode()).decode()


def _place(digest: str) -> str:
    try:
        return parse(digest).name
    except InvalidNameError:
        return ""


def unused(names: Iterable[str]) -> list[str]:
    """Returns those of the names in the local registry that no host has."""
    with _guard:
        held = {name for pulled in _every for name in pulled.ids}
    return [name for name in names if name not in held and name.startswith(f"{registry()}/")]


async def inspect(reference: str) -> Json | None:
    """Returns the daemon's description of an image; None if it has none."""
    status, found = await daemon.request("GET", f"/images/{quote(reference, safe='/:@')}/json")
    return dict(found) if status in daemon.OK else None


class _Pulling(Protocol):
    """A host, of which this module needs only the images."""

    pulled: Pulled


def _client(build: Build) -> _Pulling:
    return cast(_Pulling, build)


# --- pulling ---------------------------------------------------------------------------------------------------------


@TABLE.on(
    "POST", "/images/create", body=Body.ARCHIVE, query="fromImage fromSrc repo tag message platform changes",
    headers=_CREDENTIALS,
)  # fmt: skip
async def _pull(call: Call, _match: re.Match[str], build: Build) -> None:
    call.carries = Body.NOTHING
    if not call.first("fromImage"):
        raise RefusedError("docker import is refused: hosts of the local cloud run images and make none")
    for name in ("fromSrc", "repo", "message", "changes"):
        call.query.pop(name, None)
    image, tag = parse(call.first("fromImage").removesuffix(":")), call.first("tag")
    if tag:
        image = parse(f"{image.name}{'@' if ':' in tag else ':'}{tag}")
    full, pulled = named.full(image), _client(build).pulled
    await build.check_allowed(PULL, image.repository)
    if image.repository and not _logged_in(call):
        raise DaemonError(_FAILED, f"Head {ecr(full)}: no basic auth credentials")
    named.check_visible(build.id, image)
    here = None if image.repository else await inspect(full)
    if here is not None:
        # As for tasks: an image of another registry that this machine has is not asked for again.
        pulled.ids[full] = str(here["Id"])
        call.answer = {"status": f"Status: Image is up to date for {full}"}
        return
    call.query["fromImage"], call.query["tag"] = [image.name], [image.digest or image.tag or "latest"]

    async def note() -> None:
        if found := await inspect(full):
            pulled.ids[full] = str(found["Id"])

    call.on_streamed = note


def _logged_in(call: Call) -> bool:
    """True if the client sends a password of ECR; the registry's own check needs none from this machine."""
    try:
        given = json.loads(base64.urlsafe_b64decode(call.credentials or b"e30="))
    except ValueError:
        return False
    return bool(mapping_or_empty(given).get("password"))


# --- looking ---------------------------------------------------------------------------------------------------------


@TABLE.on("GET", "/images/json", query="all filters digests")
async def _list(_call: Call, _match: re.Match[str], _build: Build) -> None:
    return


@TABLE.on("GET", "/images/(?P<name>.+)/(?P<verb>json|history|get)")
async def _image(call: Call, match: re.Match[str], build: Build) -> None:
    found = await _client(build).pulled.visible(unquote(match["name"]))
    call.path = f"/images/{found['Id']}/{match['verb']}"
    call.rewrites_answer = match["verb"] != "get"


@TABLE.on("POST", "/images/(?P<name>.+)/tag", query="repo tag")
async def _tag(_call: Call, _match: re.Match[str], _build: Build) -> None:
    raise RefusedError("docker tag is refused: images of this machine are shared with other hosts. Use the ECR name")


@TABLE.on("POST", "/images/(?P<name>.+)/push", query="tag", headers=_CREDENTIALS)
async def _push(_call: Call, _match: re.Match[str], _build: Build) -> None:
    raise RefusedError("docker push is refused: hosts of the local cloud run images and make none")


# --- removing --------------------------------------------------------------------------------------------------------


async def _containers(build: Build) -> dict[str, str]:
    """Returns the images that the host's containers use, with the id of one of the containers."""
    filters = quote(json.dumps({"label": [f"{HOST_LABEL}={build.id}"]}))
    _status, listed = await daemon.request("GET", f"/containers/json?all=1&filters={filters}")
    return {str(entry["ImageID"]): str(entry["Id"])[:12] for entry in listed}


async def _forget(pulled: Pulled, names: list[str]) -> list[dict[str, str]]:
    for name in names:
        pulled.ids.pop(name, None)
    removed = [{"Untagged": ecr(name)} for name in names]
    for name in unused(names):
        status, answer = await daemon.request("DELETE", f"/images/{quote(name, safe='/:@')}")
        if status in daemon.OK:
            removed += [entry for entry in answer if "Deleted" in entry]
    return removed


@TABLE.on("DELETE", "/images/(?P<name>.+)", query="force noprune")
async def _remove(call: Call, match: re.Match[str], build: Build) -> None:
    reference, pulled = unquote(match["name"]), _client(build).pulled
    found = await pulled.visible(reference)
    image_id = str(found["Id"])
    every = pulled.names_of(image_id)
    names = every if _ID.fullmatch(reference) else [name for name in [named.full(parse(reference))] if name in every]
    forced = call.first("force") in ("1", "true", "True")
    user = (await _containers(build)).get(image_id)
    if user and len(names) == len(every) and not forced:
        raise DaemonError(
            _CONFLICT,
            f'conflict: unable to remove repository reference "{reference}" (must force) - container {user} is using '
            f"its referenced image {image_id.removeprefix('sha256:')[:12]}",
        )
    call.answer = await _forget(pulled, names)


@TABLE.on("POST", "/images/prune", query="filters")
async def _prune(call: Call, _match: re.Match[str], build: Build) -> None:
    filters = {str(k): [str(v) for v in values] for k, values in json.loads(call.first("filters") or "{}").items()}
    if unknown := sorted(set(filters) - {"dangling", "until"}):
        raise RefusedError(f"image prune: the filter {unknown[0]} is not supported; use until or remove images by name")
    every = filters.get("dangling", ["true"])[0].lower() in ("false", "0")
    used, removed = await _containers(build), []
    for image_id in set(_client(build).pulled.ids.values()) if every else ():
        found = await inspect(image_id)
        if image_id not in used and found is not None and _old_enough(found, filters.get("until", [])):
            removed += await _forget(_client(build).pulled, _client(build).pulled.names_of(image_id))
    call.answer = {"ImagesDeleted": removed, "SpaceReclaimed": 0}


def _old_enough(image: Json, until: list[str]) -> bool:
    if not until:
        return True
    parts = re.findall(r"(\d+)([hms])", until[0])
    if not parts:
        raise RefusedError(f"image prune: until={until[0]} is not a duration such as 24h")
    seconds = sum(int(number) * _DURATION[unit] for number, unit in parts)
    created = datetime.fromisoformat(re.sub(r"\.\d+", "", str(image["Created"])).replace("Z", "+00:00"))
    return created.timestamp() < time.time() - seconds
