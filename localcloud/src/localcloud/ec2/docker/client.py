"""A host as a client of the filter: its names for containers, networks and volumes, and the daemon's.

The daemon is shared, so its names have a prefix: the ID of the instance, or that of the data volume on which a volume
lies. The host sees names without it, and only its own objects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from localcloud import settings
from localcloud.dockerfilter.calls import Body, Build, Call, Entry, Table
from localcloud.dockerfilter.container_rules import RefusedError, folded, mapping_or_empty
from localcloud.dockerfilter.container_rules import volume as volume_rules
from localcloud.dockerfilter.daemon import DaemonError, request
from localcloud.ec2.docker import creation, images, ports
from localcloud.ec2.docker.owned import EBS_LABEL, HostOwned
from localcloud.ec2.machines import HOST_LABEL, Machine

TABLE = Table()
_ENDING = re.compile(r"POST /containers/[^/]+/(stop|kill|pause)|DELETE /containers/.*")
_STREAMS = re.compile(r"/events|/images/create|/containers/[^/]+/(stats|logs|attach|archive|export|wait)")


@dataclass(kw_only=True)
class HostClient(Build):
    """A host that sends requests."""

    machine: Machine
    pulled: images.Pulled = field(default_factory=images.Pulled)

    @property
    def names(self) -> HostOwned:
        """The host's objects."""
        return cast(HostOwned, self.owned)

    def table(self) -> Iterator[Entry]:
        """Yields entries that come before those of the common table."""
        yield from TABLE
        yield from images.TABLE

    async def translate(self, call: Call) -> None:
        """Changes the host's names in a request to the daemon's."""
        call.rewrites_answer = not _STREAMS.fullmatch(call.path)
        if "filters" in call.query:
            call.query["filters"] = [json.dumps(await self._filters(json.loads(call.first("filters") or "{}")))]
        if call.path == "/containers/create":
            await creation.translate(self, call)
        elif call.path == "/networks/create":
            body = folded(call.body, "network")
            call.body = {**body, "name": self.names.named(str(body.get("name") or ""))}
        elif call.path.endswith("/rename"):
            call.query["name"] = [self.names.named(call.first("name").lstrip("/"))]
        elif match := re.fullmatch(r"POST /containers/([^/]+)/(start|restart|unpause)", f"{call.method} {call.path}"):
            await self._starting(call, match[1])
        elif _ENDING.fullmatch(f"{call.method} {call.path}"):
            call.on_created = lambda _answer: ports.synced(self.machine)

    async def _starting(self, call: Call, reference: str) -> None:
        identifier, name, labels, is_removed = await self.names.described(reference)
        try:
            await ports.check_free(self.machine, name, labels)
            await creation.before_start(self, identifier, name, labels)
        except DaemonError:
            if is_removed:  # by the daemon itself if the start had reached it; `docker run --rm` waits for that
                await request("DELETE", f"/containers/{identifier}?force=1&v=1")
            for writer in self.attached.get(f"/containers/{identifier}/attach", ()):
                writer.close()  # as the daemon does; `docker run` waits for that
            raise
        call.on_created = lambda _answer: ports.published(self.machine, identifier, name)

    async def _filters(self, given: Any) -> dict[str, list[str]]:
        """Returns filters with the daemon's names; a filter of a list matches parts of names."""
        found: dict[str, list[str]] = {}
        for name, values in mapping_or_empty(given).items():
            listed = [str(value) for value in values]  # a list, or an object whose names are the values
            if name == "name":
                listed = [_pattern(value) for value in listed]
            elif name == "network":
                listed = [await self.names.network_name(value) for value in listed]
            elif name == "volume":
                listed = [value if value.startswith("/") else await self.names.volume_for(value) for value in listed]
            elif name in ("before", "since") and listed:
                listed = [await self.names.container(value) for value in listed]
            found[str(name)] = listed
        return found

    def outward(self, call: Call, content: bytes) -> bytes:
        """Returns an answer of the daemon with the host's names, and only with what is the host's."""
        for prefix in self.names.volume_prefixes():
            content = content.replace(prefix.encode(), b"")
        if call.method != "GET" or content[:1] not in (b"{", b"["):
            return content
        if call.path == "/containers/json":
            return json.dumps([ports.shown(entry) for entry in json.loads(content)]).encode()
        if re.fullmatch(r"/containers/[^/]+/json", call.path):
            return json.dumps(ports.inspected(json.loads(content))).encode()
        if call.path == "/volumes":
            return json.dumps(self._own_volumes(json.loads(content))).encode()
        if call.path == "/images/json":
            return json.dumps(self.pulled.listed(json.loads(content))).encode()
        return content

    def _own_volumes(self, answer: dict[str, Any]) -> dict[str, Any]:
        attached = {volume["VolumeId"] for volume in self.machine.volumes()}
        own = [
            volume
            for volume in answer.get("Volumes") or []
            if (volume.get("Labels") or {}).get(HOST_LABEL) == self.machine.id
            or (volume.get("Labels") or {}).get(EBS_LABEL) in attached
        ]
        return {**answer, "Volumes": own}


def _pattern(value: str) -> str:
    """Returns the expression for names with a prefix that matches where `value` matches names without it."""
    prefix = r"(i|vol)-[0-9a-f]+\."
    begin = re.match(r"\^/?", value)
    return f"^/?{prefix}{value[begin.end() :]}" if begin else f"{prefix}.*{value.lstrip('/')}"


# --- calls that are different for hosts ------------------------------------------------------------------------------


@TABLE.on("GET", "/volumes", query="filters")
async def _volumes(call: Call, _match: re.Match[str], _build: Build) -> None:
    filters = json.loads(call.first("filters") or "{}")
    label = f"{settings.LABEL}.port={settings.current().port}"
    call.query["filters"] = [json.dumps({**filters, "label": [*filters.get("label", []), label]})]


@TABLE.on("GET", "/events", query="since until filters")
async def _events(call: Call, _match: re.Match[str], build: Build) -> None:
    filters = json.loads(call.first("filters") or "{}")
    call.query["filters"] = [json.dumps({**filters, "label": [*filters.get("label", []), build.owned.filter]})]


@TABLE.on("POST", "/volumes/create", body=Body.JSON)
async def _create_volume(call: Call, _match: re.Match[str], build: Build) -> None:
    owned = cast(HostClient, build).names
    checked = volume_rules(call.body, build.labels)
    if checked["Name"]:
        checked["Name"] = await owned.volume_for(checked["Name"])
        checked["Labels"] = owned.volume_labels(checked["Name"], checked["Labels"])
    call.body = checked


@TABLE.on("POST", "/build/prune", query="all filters keep-storage")
async def _prune(call: Call, _match: re.Match[str], _build: Build) -> None:
    call.answer = {"CachesDeleted": [], "SpaceReclaimed": 0}


@TABLE.on("POST", "/build|/session|/grpc|/images/load|/commit", body=Body.ARCHIVE)
async def _no_building(call: Call, _match: re.Match[str], _build: Build) -> None:
    raise RefusedError(f"{call.path} is refused: hosts of the local cloud run images and make none; build in CodeBuild")
