"""Refuses to register task definitions that Fargate does not support, as AWS does.

The local cloud treats every task as a Fargate task, whatever its launch type: there are no container instances, and on
Docker such settings would give a container control of the host. The check is repeated when a task starts.
docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ministack.services import ecs

SYMBOLS = (
    "ministack.services.ecs:_ACTION_MAP",
    "ministack.services.ecs:_build_run_kwargs",
    "ministack.services.ecs:error_response_json",
)

_UNSUPPORTED = "Fargate compatible task definitions do not support"
#: The only capability that a Fargate task may add (API reference, KernelCapabilities).
_CAPABILITY = "SYS_PTRACE"


class Folded(dict[str, Any]):
    """A mapping with its keys in lower case: MiniStack reads both `privileged` and `Privileged`."""

    def __init__(self, mapping: Any) -> None:
        pairs = mapping.items() if isinstance(mapping, Mapping) else ()
        super().__init__((str(key).lower(), value) for key, value in pairs)

    def part(self, name: str) -> Folded:
        """Returns a nested mapping, empty if there is none."""
        return Folded(self.get(name))

    def listed(self, name: str) -> list[Any]:
        """Returns a nested list, empty if there is none."""
        value = self.get(name)
        return value if isinstance(value, list) else []


def refusal(definition: Mapping[str, Any]) -> str:
    """Returns why Fargate does not run a task definition, in AWS's words; empty if it does."""
    found = Folded(definition)
    reasons = (
        *_task_reasons(found),
        *(reason for volume in found.listed("volumes") for reason in _volume_reasons(Folded(volume))),
        *(
            reason
            for container in found.listed("containerdefinitions")
            for reason in _container_reasons(Folded(container))
        ),
    )
    return next(iter(reasons), "")


def _task_reasons(task: Folded) -> Iterator[str]:
    fargate = "FARGATE" in task.listed("requirescompatibilities")
    mode = task.get("networkmode")
    if mode == "host" or (fargate and mode not in {None, "", "awsvpc"}):
        yield f"{_UNSUPPORTED} networkMode {mode}; use awsvpc."
    if task.get("pidmode") not in {None, "", "task"}:
        yield "Fargate compatible task definitions only support the task pidMode."
    if task.get("ipcmode"):
        yield "Tasks using the Fargate launch type do not support ipcMode."


def _volume_reasons(volume: Folded) -> Iterator[str]:
    if volume.part("host").get("sourcepath"):
        yield f"{_UNSUPPORTED} sourcePath."
    if volume.get("dockervolumeconfiguration"):
        yield f"{_UNSUPPORTED} dockerVolumeConfiguration."


def _container_reasons(container: Folded) -> Iterator[str]:
    linux = container.part("linuxparameters")
    if container.get("privileged"):
        yield f"{_UNSUPPORTED} privileged."
    if container.get("dockersecurityoptions"):
        yield f"{_UNSUPPORTED} dockerSecurityOptions."
    if linux.get("devices"):
        yield f"{_UNSUPPORTED} devices."
    added = [name for name in linux.part("capabilities").listed("add") if name != _CAPABILITY]
    if added:
        yield f"{_UNSUPPORTED} adding the capabilities {', '.join(map(str, added))}; {_CAPABILITY} is the only one."
    for resource in container.listed("resourcerequirements"):
        if Folded(resource).get("type") == "GPU":
            yield f"{_UNSUPPORTED} GPU resources."


def install() -> None:
    """Check at registration, and again before a container is created."""
    register, arguments = ecs._ACTION_MAP["RegisterTaskDefinition"], ecs._build_run_kwargs

    def registering(data: dict[str, Any]) -> Any:
        reason = refusal(data)
        return ecs.error_response_json("ClientException", reason, 400) if reason else register(data)

    def building(container: Any, definition: Any, *rest: Any, **named: Any) -> Any:
        reason = refusal({**definition, "containerDefinitions": [container]})
        if reason:
            raise ValueError(reason)
        return arguments(container, definition, *rest, **named)

    ecs._ACTION_MAP["RegisterTaskDefinition"] = registering
    ecs._build_run_kwargs = building
