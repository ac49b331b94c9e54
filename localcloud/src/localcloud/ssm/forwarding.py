"""Sessions that forward a port of a task: `aws ssm start-session --target ecs:CLUSTER_TASK_RUNTIME`.

On AWS the agent in the container connects to the port on the task's loopback. Here the stand-in of the plugin starts a
container in the task's network for that; the address tells it which.
docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from ministack.services import ecs

from localcloud import network, settings
from localcloud.ecs import commands
from localcloud.ssm.errors import ServiceError

SYMBOLS: tuple[str, ...] = (
    "ministack.services.ecs:_get_docker",
    "ministack.services.ecs:_resolve_cluster_name",
    "ministack.services.ecs:_resolve_task",
)

DOCUMENT = "AWS-StartPortForwardingSession"
PREFIX = "ecs:"
_PARTS = 3
_HIGHEST_PORT = 65535


def parts(target: str) -> tuple[str, str, str] | None:
    """Returns cluster, task and runtime of a target such as `ecs:web_0f1e_0f1e-123`; None if it is no task's."""
    found = target.removeprefix(PREFIX).rsplit("_", _PARTS - 1)
    if not target.startswith(PREFIX) or len(found) != _PARTS:
        return None
    return found[0], found[1], found[2]


def container(target: str) -> str:
    """Returns the id of the container that a target names.

    Raises:
        ServiceError: if no session can reach it: it does not run, or ECS Exec is not enabled.
    """
    found = parts(target)
    cluster = ecs._resolve_cluster_name(found[0]) if found else None
    task = ecs._resolve_task(found[1], cluster) if found and cluster else None
    if found is None or task is None or commands.refusal(task, task["containers"][0]["name"]):
        raise ServiceError("TargetNotConnected", f"{target} is not connected.")
    runtimes = [str(entry.get("runtimeId", "")) for entry in task["containers"]]
    if found[2] not in runtimes:
        raise ServiceError("TargetNotConnected", f"{target} is not connected.")
    return str(task["_docker_ids"][runtimes.index(found[2])])


def address(identifier: str, target: str, parameters: Mapping[str, Sequence[str]]) -> str:
    """Returns the address from which the plugin's stand-in knows what to do.

    Raises:
        ServiceError: if a parameter is missing or no port, or the target is not connected.
    """
    port, local = (
        _port(parameters, name, missing) for name, missing in (("portNumber", "80"), ("localPortNumber", "0"))
    )
    image = network.relay_image(ecs._get_docker()) if ecs._get_docker() else None
    if image is None:
        raise ServiceError("TargetNotConnected", f"{target} is not connected.")
    labels = [f"{name}={value}" for name, value in network.labels(settings.current()).items()]
    query = {"port": port, "local": local, "image": image, "name": name_of(identifier), "label": labels}
    return f"docker-forward://{container(target)}?{urlencode(query, doseq=True)}"


def alive(identifier: str) -> bool:
    """True if the container of a session runs."""
    docker: Any = ecs._get_docker()
    return bool(docker and docker.containers.list(filters={"name": f"^{name_of(identifier)}$"}))


def end(identifier: str) -> None:
    """Stops the container of a session, if it runs."""
    docker: Any = ecs._get_docker()
    for found in docker.containers.list(filters={"name": f"^{name_of(identifier)}$"}) if docker else ():
        found.kill()


def name_of(identifier: str) -> str:
    """Returns the name of a session's container."""
    return f"localcloud-session-{identifier}"


def _port(parameters: Mapping[str, Sequence[str]], name: str, missing: str) -> str:
    values = parameters.get(name) or [missing]
    value = str(values[0])
    if len(values) != 1 or not value.isdecimal() or int(value) > _HIGHEST_PORT:
        raise ServiceError("InvalidParameters", f"Parameter {name} must be one port number.")
    return value
