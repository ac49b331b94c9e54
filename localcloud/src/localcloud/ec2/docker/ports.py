"""The ports that a host's containers publish: they belong to the host's address, where its agent relays them.

A label of the container has them, as the daemon outside must not bind them. Without it, `docker ps` and `docker port`
would show none.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import docker
from docker.errors import APIError, NotFound

from localcloud import settings
from localcloud.dockerfilter.container_rules import RefusedError, folded
from localcloud.dockerfilter.daemon import DaemonError
from localcloud.ec2 import machines
from localcloud.ec2.machines import HOST_LABEL, Machine

PUBLISH_LABEL = f"{settings.LABEL}.publish"
_ANY = ("", "0.0.0.0", "::")  # noqa: S104 - the host's own addresses
_LOOPBACK, _SHOWN = "127.0.0.1", "0.0.0.0"  # noqa: S104 - as docker ps shows it
_EPHEMERAL = range(32_768, 61_000)
_FAILED = 500
logger = logging.getLogger("localcloud")

#: Returns more ports that a host's agent relays: address, port, target and its port.
MORE: list[Callable[[Machine], list[list[Any]]]] = []
Json = dict[str, Any]
Port = tuple[str, int, str]  # address of the host or empty for all, its port, the container's port such as 80/tcp


def label(machine: Machine, bindings: Mapping[str, Any]) -> dict[str, str]:
    """Returns the label for the ports that a new container publishes.

    Raises:
        RefusedError: for protocols other than TCP.
    """
    wanted: list[Port] = []
    for inner, hosts in bindings.items():
        if not str(inner).endswith("/tcp") and "/" in str(inner):
            raise RefusedError(f"publish {inner}: hosts of the local cloud publish TCP ports only")
        for host in [folded(entry, "PortBindings") for entry in hosts or [{}]]:
            given = str(host.get("hostport") or "0").partition("-")[0]
            address = str(host.get("hostip") or "")
            if address not in (*_ANY, _LOOPBACK, "::1", machine.address):
                raise RefusedError(f"publish {address}:{given}:{inner}: the host has the address {machine.address}")
            wanted.append(("" if address in _ANY else address, int(given), str(inner)))
    free = (port for port in _EPHEMERAL if port not in {taken for _address, taken, _inner in _known(machine)})
    chosen = [(address, port or next(free), inner) for address, port, inner in wanted]
    return {PUBLISH_LABEL: json.dumps(chosen)} if chosen else {}


def of(labels: Mapping[str, str]) -> list[Port]:
    """Returns the ports that a container with these labels publishes."""
    return [
        (str(address), int(port), str(inner)) for address, port, inner in json.loads(labels.get(PUBLISH_LABEL, "[]"))
    ]


def _listed(machine: Machine, **options: Any) -> list[Json]:
    filters = {"label": [f"{HOST_LABEL}={machine.id}", PUBLISH_LABEL]}
    found: list[Json] = docker.from_env(timeout=60).api.containers(filters=filters, **options)
    return found


def _known(machine: Machine) -> list[Port]:
    return [port for entry in _listed(machine, all=True) for port in of(entry["Labels"])]


async def check_free(machine: Machine, name: str, labels: Mapping[str, str]) -> None:
    """Fails as Docker does if another running container of the host publishes one of the ports.

    Raises:
        DaemonError: if one is taken.
    """
    wanted = of(labels)
    for entry in await asyncio.to_thread(_listed, machine) if wanted else []:
        if f"/{name}" in entry["Names"]:
            continue
        for address, port, _inner in of(entry["Labels"]):
            if any(port == own and (not address or not mine or address == mine) for mine, own, _ in wanted):
                raise DaemonError(
                    _FAILED,
                    f"driver failed programming external connectivity on endpoint {name}: Bind for "
                    f"{address or _SHOWN}:{port} failed: port is already allocated",
                )


def sync(machine: Machine) -> str:
    """Makes the host's agent relay the ports of the containers that run; returns what failed."""
    with machine.relaying:  # a list that is older than another's would end the relays of what started in between
        return _sync(machine)


def _sync(machine: Machine) -> str:
    wanted = []
    for entry in _listed(machine):
        name = str(entry["Id"])[:12]  # on a second network, Docker resolves this alias, but no generated name
        for address, port, inner in of(entry["Labels"]):
            places = [address] if address and address != "::1" else [_LOOPBACK, machine.address]
            wanted += [[place, port, name, int(inner.partition("/")[0])] for place in places]
    for more in MORE:
        wanted += more(machine)
    try:
        done = machines.container_of(machine).exec_run(["localcloud-agent", "ports", json.dumps(wanted)], user="root")
    except (NotFound, APIError) as error:  # the host ends
        logger.debug("ports of %s: %s", machine.id, error)
        return ""
    return str(done.output.decode(errors="replace")) if done.exit_code else ""


async def published(machine: Machine, container_id: str, name: str) -> None:
    """Relays the ports of a container that has started.

    Raises:
        DaemonError: if a program of the host has one of them; the container is stopped.
    """
    failed = await asyncio.to_thread(sync, machine)
    if failed:
        await asyncio.to_thread(docker.from_env(timeout=60).api.stop, container_id, 1)
        raise DaemonError(_FAILED, f"driver failed programming external connectivity on endpoint {name}: {failed}")


async def synced(machine: Machine) -> None:
    """Ends the relays of containers that have ended."""
    await asyncio.to_thread(sync, machine)


# --- what the host sees ----------------------------------------------------------------------------------------------


def shown(entry: Json) -> Json:
    """Returns an entry of `docker ps` with the published ports."""
    own = [
        {"IP": address or _SHOWN, "PrivatePort": int(i.partition("/")[0]), "PublicPort": p, "Type": "tcp"}
        for address, p, i in of(entry.get("Labels") or {})
    ]
    if own and entry.get("State") == "running":
        published_ports = {port["PrivatePort"] for port in own}
        entry["Ports"] = own + [port for port in entry.get("Ports") or [] if port["PrivatePort"] not in published_ports]
    return entry


def inspected(found: Json) -> Json:
    """Returns the answer of `docker inspect` with the published ports."""
    bindings: dict[str, list[dict[str, str]]] = {}
    for address, port, inner in of((found.get("Config") or {}).get("Labels") or {}):
        key = inner if "/" in inner else f"{inner}/tcp"
        bindings.setdefault(key, []).append({"HostIp": address, "HostPort": str(port)})
    if bindings:
        found["HostConfig"]["PortBindings"] = bindings
        if (found.get("State") or {}).get("Running"):
            shown_ports = {k: [{**b, "HostIp": b["HostIp"] or _SHOWN} for b in v] for k, v in bindings.items()}
            found["NetworkSettings"]["Ports"] = {**(found["NetworkSettings"].get("Ports") or {}), **shown_ports}
    return found
