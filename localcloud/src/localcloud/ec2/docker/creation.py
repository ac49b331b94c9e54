"""The settings of a container that a host creates, translated to what the filter's common rules accept.

Whatever is left after the translation meets the rules for builds, which refuse everything that leads to the machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from localcloud.dockerfilter.calls import Call
from localcloud.dockerfilter.container_rules import folded, mapping_or_empty
from localcloud.dockerfilter.daemon import DaemonError, Owned, request
from localcloud.ec2.docker import binds, logs, ports
from localcloud.ec2.docker.images import Pulled
from localcloud.ec2.docker.owned import HostOwned
from localcloud.ec2.machines import Machine

Json = dict[str, Any]
_WORDS = ("", "default", "bridge", "none", "host")
_BAD_REQUEST = 400


class Creator(Protocol):
    """A host that creates containers."""

    machine: Machine
    pulled: Pulled
    owned: Owned

    @property
    def names(self) -> HostOwned:
        """The host's objects."""


async def translate(client: Creator, call: Call) -> None:
    """Changes the request of a `docker create`."""
    body = folded(call.body, "container")
    host = folded(body.get("hostconfig"), "HostConfig")
    name = call.first("name").lstrip("/")
    if name:
        call.query["name"] = [client.names.named(name)]
    image = await client.pulled.visible(str(body.get("image") or ""))
    labels = {str(key): value for key, value in mapping_or_empty(body.get("labels")).items()}
    await _networks(client, body, host, name)
    mounts = binds.Mounts(client.machine, client.names)
    host["binds"] = [bind for given in host.get("binds") or [] if (bind := await mounts.bind(str(given)))]
    host["mounts"] = [
        mount for given in host.get("mounts") or [] if (mount := await mounts.mount(folded(given, "Mounts")))
    ]
    _anonymous(body, host, mapping_or_empty((image.get("Config") or {}).get("Volumes")))
    if mounts.copies and host.get("readonlyrootfs"):
        host["readonlyrootfs"] = False  # files can be copied into a container only if it can be written to
    labels |= ports.label(client.machine, mapping_or_empty(host.pop("portbindings", None)))
    labels |= await asyncio.to_thread(logs.label, client.machine, host, str(body.get("image") or ""))
    address = client.machine.address
    host["extrahosts"] = [str(entry).replace("host-gateway", address) for entry in host.get("extrahosts") or []]
    call.body = {**body, "hostconfig": host, "labels": labels}
    call.on_created = lambda created: _complete(mounts, created)


async def _complete(mounts: binds.Mounts, created: Json) -> None:
    """Copies what a new container mounts of the host; a container without it is worse than none."""
    try:
        await asyncio.to_thread(mounts.fill, created["Id"])
    except binds.BindError as error:
        await request("DELETE", f"/containers/{created['Id']}?force=1&v=1")
        raise DaemonError(_BAD_REQUEST, str(error)) from error


async def _networks(client: Creator, body: Json, host: Json, name: str) -> None:
    mode = str(host.get("networkmode") or "")
    config = folded(body.get("networkingconfig"), "NetworkingConfig")
    given = dict(mapping_or_empty(config.get("endpointsconfig")))
    if mode.startswith("container:"):
        host["networkmode"] = "container:" + await client.owned.container(mode.partition(":")[2])
    elif mode not in _WORDS:
        given.setdefault(mode, {})
    translated: dict[str, Json] = {}
    for network, endpoint in given.items():
        if network in _WORDS:
            translated[network] = endpoint
            continue
        folded_endpoint = folded(endpoint, "EndpointsConfig")
        aliases = [*(folded_endpoint.get("aliases") or []), *([name] if name else [])]
        folded_endpoint["aliases"] = list(dict.fromkeys(aliases))
        real = await client.names.network_name(network)
        translated[real] = folded_endpoint
        if network == mode:
            host["networkmode"] = real
    if host.get("links"):
        host["links"] = [await _link(client, str(link)) for link in host["links"]]
    body["networkingconfig"] = {"endpointsconfig": translated}


async def _link(client: Creator, link: str) -> str:
    reference, _, alias = link.partition(":")
    return f"{await client.owned.container(reference)}:{alias or reference}"


def _anonymous(body: Json, host: Json, of_image: Mapping[str, Any]) -> None:
    """Turns anonymous volumes into mounts, which get labels: they must end with the host."""
    mounted = {str(bind).split(":")[1] for bind in host["binds"] if ":" in str(bind)}
    mounted |= {str(folded(mount, "Mounts").get("target")) for mount in host["mounts"]}
    mounted |= set(mapping_or_empty(host.get("tmpfs")))
    wanted = [*mapping_or_empty(body.pop("volumes", None)), *of_image, *(b for b in host["binds"] if ":" not in str(b))]
    host["binds"] = [bind for bind in host["binds"] if ":" in str(bind)]
    for target in dict.fromkeys(str(path) for path in wanted):
        if target.rstrip("/") not in {path.rstrip("/") for path in mounted}:
            host["mounts"].append({"type": "volume", "source": "", "target": target})


async def before_start(client: Creator, identifier: str, name: str, labels: Mapping[str, str]) -> None:
    """Prepares what a container needs at its start.

    Raises:
        DaemonError: if its log cannot be written, as on Docker.
    """
    try:
        await asyncio.to_thread(logs.open_stream, client.machine, identifier, client.names.shown(name), labels)
    except logs.LogError as error:
        raise DaemonError(500, f"failed to initialize logging driver: {error}") from error
