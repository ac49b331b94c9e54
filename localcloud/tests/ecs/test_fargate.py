"""Task definitions that would give a container control of the host are refused, as AWS does for Fargate."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import Plain, plain, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local

CONTAINER = {"name": "main", "image": "debian", "memory": 128}


def linux(**parameters: Any) -> dict[str, Any]:
    return {"containerDefinitions": [{**CONTAINER, "linuxParameters": parameters}]}


def volume(**settings: Any) -> dict[str, Any]:
    mounted = {**CONTAINER, "mountPoints": [{"sourceVolume": "v", "containerPath": "/host"}]}
    return {"containerDefinitions": [mounted], "volumes": [{"name": "v", **settings}]}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "privileged": ({"containerDefinitions": [{**CONTAINER, "privileged": True}]}, "privileged"),
    "a second container": (
        {"containerDefinitions": [CONTAINER, {**CONTAINER, "name": "b", "privileged": True}]},
        "priv",
    ),
    "host volume": (volume(host={"sourcePath": "/"}), "sourcePath"),
    "docker volume": (volume(dockerVolumeConfiguration={"driverOpts": {"device": "/", "o": "bind"}}), "dockerVolume"),
    "capability": (linux(capabilities={"add": ["SYS_ADMIN"]}), "SYS_ADMIN"),
    "all capabilities": (linux(capabilities={"add": ["SYS_PTRACE", "ALL"]}), "ALL"),
    "device": (linux(devices=[{"hostPath": "/dev/sda", "containerPath": "/dev/sda"}]), "devices"),
    "host network": ({"containerDefinitions": [CONTAINER], "networkMode": "host"}, "networkMode host"),
    "bridge on Fargate": (
        {"containerDefinitions": [CONTAINER], "networkMode": "bridge", "requiresCompatibilities": ["FARGATE"]},
        "networkMode bridge",
    ),
    "host processes": ({"containerDefinitions": [CONTAINER], "pidMode": "host"}, "pidMode"),
    "host ipc": ({"containerDefinitions": [CONTAINER], "ipcMode": "host"}, "ipcMode"),
    "security options": (
        {"containerDefinitions": [{**CONTAINER, "dockerSecurityOptions": ["seccomp=unconfined"]}]},
        "dockerSecurityOptions",
    ),
    "graphics card": (
        {"containerDefinitions": [{**CONTAINER, "resourceRequirements": [{"type": "GPU", "value": "1"}]}]},
        "GPU",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_task_definition_that_fargate_does_not_support_is_not_registered(plain: Plain, case: str) -> None:
    definition, word = REFUSED[case]
    family, ecs = unique("family"), plain.client("ecs")
    with pytest.raises(ClientError, match="ClientException") as caught:
        ecs.register_task_definition(family=family, **definition)
    assert word in str(caught.value)
    assert ecs.list_task_definitions(familyPrefix=family)["taskDefinitionArns"] == []


@pytest.mark.parametrize(
    "definition",
    [
        linux(capabilities={"add": ["SYS_PTRACE"], "drop": ["ALL"]}, initProcessEnabled=True),
        volume(),
        {"containerDefinitions": [{**CONTAINER, "privileged": False}], "pidMode": "task"},
        {"containerDefinitions": [CONTAINER], "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"]},
    ],
)
def test_a_task_definition_that_fargate_supports_is_registered(plain: Plain, definition: dict[str, Any]) -> None:
    answer = plain.client("ecs").register_task_definition(family=unique("family"), **definition)
    assert answer["taskDefinition"]["status"] == "ACTIVE"


def test_a_stack_with_an_unsupported_task_definition_fails_with_the_reason(plain: Plain) -> None:
    container = {"Name": "main", "Image": "debian", "Memory": 128, "Privileged": True}
    task = {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [container]}}
    with pytest.raises(AssertionError, match="Fargate compatible task definitions do not support privileged"):
        plain.deploy({"Resources": {"Task": task}})
