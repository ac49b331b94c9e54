"""Docker in a host: the machine's daemon behind the filter, so that each host seems to have a daemon of its own.

`client` translates names, `creation` the settings of containers, `binds` their mounts of the host's files, `ports` what
they publish, `logs` the driver awslogs, `images` what the host has pulled. This module follows the life of the host.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker
from docker.errors import APIError, NotFound
from ministack.core import iam_evaluator
from ministack.services import ec2

from localcloud import settings
from localcloud.codebuild import proxy
from localcloud.dockerfilter import gate
from localcloud.ec2 import machines, metadata
from localcloud.ec2.docker import logs, ports
from localcloud.ec2.docker.client import HostClient
from localcloud.ec2.docker.owned import EBS_LABEL, HostOwned
from localcloud.ec2.machines import HOST_LABEL, Machine

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_evaluator:enforce",
    "ministack.services.ec2:_ACTION_MAP",
    "ministack.services.ec2:_p",
    *gate.SYMBOLS,
)

_STOP_SECONDS = 10
_RESTARTING = ("always", "unless-stopped")
_ERROR = 400
logger = logging.getLogger("localcloud")

_open: dict[str, tuple[HostClient, gate.Gate]] = {}
_ran: dict[str, list[str]] = {}


def _denial(machine: Machine, action: str, repository: str) -> str:
    """Returns the reason why the instance's role may not perform an action on a repository; empty if it may."""
    arn = f"arn:aws:ecr:{machine.region}:{machine.account}:repository/{repository}"
    try:
        key = metadata.keys(machine)["AccessKeyId"]
    except ValueError as error:
        return f"denied: {error}"
    if iam_evaluator.enforce(key, action, "ecr", machine.region, resource_arn=arn) is None:
        return ""
    line = json.dumps({"Effect": "Allow", "Action": action, "Resource": arn})
    return f"denied: {machine.role_arn} may not {action} on {arn}. Add to the role's policy: {line}"


def _opened(machine: Machine) -> dict[str, Any]:
    """Opens the socket of a host."""
    client = HostClient(
        owned=HostOwned(machine),
        labels=machine.labels(),
        cloud_network=settings.current().network,
        hosts=gate.in_thread(lambda: [f"{name}:{address}" for name, address in proxy.hosts().items()]),
        denial=gate.in_thread(functools.partial(_denial, machine)),
        is_host=True,
        machine=machine,
    )
    made = gate.opened(client)
    _open[machine.id] = (client, made)
    return {"volumes": [f"{made.socket}:/var/run/docker.sock"]}


def _containers(machine: Machine, *, running: bool) -> list[Any]:
    filters: dict[str, Any] = {"label": f"{HOST_LABEL}={machine.id}"}
    found: list[Any] = docker.from_env(timeout=60).containers.list(
        all=not running, ignore_removed=True, filters=filters
    )
    return found


def _started(machine: Machine) -> None:
    """Starts the containers that Docker starts when a machine boots: those with such a restart policy."""
    for identifier in _ran.pop(machine.id, []):
        try:
            docker.from_env(timeout=60).containers.get(identifier).start()
        except (NotFound, APIError) as error:
            logger.warning("instance %s: a container did not start again: %s", machine.id, error)
    ports.sync(machine)


def _stopping(machine: Machine) -> None:
    """Stops the containers of a host, as its shutdown does."""
    found = _containers(machine, running=True)
    _ran[machine.id] = [
        container.id for container in found if container.attrs["HostConfig"]["RestartPolicy"].get("Name") in _RESTARTING
    ]
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda container: _quietly(lambda: container.stop(timeout=_STOP_SECONDS)), found))


def _removing(machine: Machine) -> None:
    """Removes what a host made; the volumes of a data volume outlive it."""
    client, opened = _open.pop(machine.id, (None, None))
    if opened is not None:
        opened.close()
    _ran.pop(machine.id, None)
    daemon, label = docker.from_env(timeout=60), {"label": f"{HOST_LABEL}={machine.id}"}
    for container in _containers(machine, running=False):
        _quietly(functools.partial(container.remove, force=True))
    for network in daemon.networks.list(filters=label):
        _quietly(network.remove)
    for volume in daemon.volumes.list(filters=label):
        _quietly(functools.partial(volume.remove, force=True))
    if opened is not None and client is not None:
        opened.remove_names()
        for name in client.pulled.released():
            _quietly(functools.partial(daemon.api.remove_image, name))


def _quietly(work: Callable[[], Any]) -> None:
    try:
        work()
    except (NotFound, APIError) as error:
        logger.debug("docker of a host: %s", error)


def _event(machine: Machine, event: dict[str, Any]) -> None:
    """Follows containers that the daemon itself starts and ends."""
    if machine.record["State"] is machines.RUNNING:
        ports.sync(machine)
    if event["Action"] == "start":
        labels = event["Actor"]["Attributes"]
        logs.follow(
            machine, event["id"], HostOwned(machine).shown(labels.get("name", "")), labels, event["timeNano"] / 1e9
        )


def _deleting_volumes() -> None:
    original = ec2._ACTION_MAP["DeleteVolume"]

    def delete(params: Any) -> Any:
        answer = original(params)
        if answer[0] < _ERROR:
            found = docker.from_env(timeout=60).volumes.list(
                filters={"label": f"{EBS_LABEL}={ec2._p(params, 'VolumeId')}"}
            )
            for volume in found:
                _quietly(functools.partial(volume.remove, force=True))
        return answer

    ec2._ACTION_MAP["DeleteVolume"] = delete


def install() -> None:
    """Give each host a socket."""
    if not settings.current().docker:
        return
    machines.on_created.append(_opened)
    machines.on_started.append(_started)
    machines.on_stopping.append(_stopping)
    machines.on_removing.append(_removing)
    machines.on_container_event.append(_event)
    _deleting_volumes()
