"""Task definitions that Fargate does not run are refused when they are registered, as AWS refuses them.

The local cloud runs every task as Fargate does, whatever launch type is named: there are no instances, and on Docker
these settings would give a container the machine. What a definition still has when its task starts is refused again.
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
    """A mapping whose keys are compared without case: MiniStack reads `privileged` and `Privileged` alike."""

    def __init__(self, mapping: Any) -> None:
        pairs = mapping.items() if isinstance(mapping, Mapping) else ()
        super().__init__((str(key).lower(), value) for key, value in pairs)

    def part(self, name: str) -> Folded:
        """A nested mapping, empty if there is none."""
        return Folded(self.get(name))

    def items_of(self, name: str) -> list[Any]:
        """A nested list, empty if there is none."""
        value = self.get(name)
        return value if isinstance(value, list) else []


def refusal(definition: Mapping[str, Any]) -> str:
    """Returns why Fargate does not run a task definition, in AWS's words; empty if it does."""
    found = Folded(definition)
    reasons = (
        *_of_task(found),
        *(reason for volume in found.items_of("volumes") for reason in _of_volume(Folded(volume))),
        *(
            reason
            for container in found.items_of("containerdefinitions")
            for reason in _of_container(Folded(container))
        ),
    )
    return next(iter(reasons), "")


def _of_task(task: Folded) -> Iterator[str]:
    fargate = "FARGATE" in task.items_of("requirescompatibilities")
    mode = task.get("networkmode")
    if mode == "host" or (fargate and mode not in {None, "", "awsvpc"}):
        yield f"{_UNSUPPORTED} networkMode {mode}; use awsvpc."
    if task.get("pidmode") not in {None, "", "task"}:
        yield "Fargate compatible task definitions only support the task pidMode."
    if task.get("ipcmode"):
        yield "Tasks using the Fargate launch type do not support ipcMode."


def _of_volume(volume: Folded) -> Iterator[str]:
    if volume.part("host").get("sourcepath"):
        yield f"{_UNSUPPORTED} sourcePath."
    if volume.get("dockervolumeconfiguration"):
        yield f"{_UNSUPPORTED} dockerVolumeConfiguration."


def _of_container(container: Folded) -> Iterator[str]:
    linux = container.part("linuxparameters")
    if container.get("privileged"):
        yield f"{_UNSUPPORTED} privileged."
    if container.get("dockersecurityoptions"):
        yield f"{_UNSUPPORTED} dockerSecurityOptions."
    if linux.get("devices"):
        yield f"{_UNSUPPORTED} devices."
    added = [name for name in linux.part("capabilities").items_of("add") if name != _CAPABILITY]
    if added:
        yield f"{_UNSUPPORTED} adding the capabilities {', '.join(map(str, added))}; {_CAPABILITY} is the only one."
    for resource in container.items_of("resourcerequirements"):
        if Folded(resource).get("type") == "GPU":
            yield f"{_UNSUPPORTED} GPU resources."


def install() -> None:
    """Refuse at registration, and again before a container is made."""
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
