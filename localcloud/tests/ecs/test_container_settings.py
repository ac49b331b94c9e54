"""The translation of container definitions to Docker's settings."""

from __future__ import annotations

from localcloud import containers
from localcloud.ecs import health, tasks

SECOND = 10**9


def test_every_setting_of_a_container_definition_reaches_docker() -> None:
    container = {
        "entryPoint": ["/entry"],
        "user": "1000:1000",
        "workingDirectory": "/app",
        "readonlyRootFilesystem": True,
        "stopTimeout": 120,
        "dockerLabels": {"team": "x"},
        "ulimits": [{"name": "nofile", "softLimit": 10, "hardLimit": 20}],
        "linuxParameters": {
            "initProcessEnabled": True,
            "capabilities": {"drop": ["ALL"]},
            "tmpfs": [{"containerPath": "/run", "size": 16, "mountOptions": ["noexec"]}],
        },
    }
    arguments = tasks.run_arguments({"memory": "512", "cpu": "256"}, container, "t1")
    ulimit = arguments.pop("ulimits")[0]
    assert (ulimit.name, ulimit.soft, ulimit.hard) == ("nofile", 10, 20)
    assert arguments == {
        "entrypoint": ["/entry"],
        "user": "1000:1000",
        "working_dir": "/app",
        "read_only": True,
        "mem_limit": "512m",
        "cpu_shares": 256,
        "healthcheck": {"test": ["NONE"]},
        "init": True,
        "cap_drop": ["ALL"],
        "tmpfs": {"/run": "size=16m,noexec"},
        "labels": {"team": "x", tasks.STOP_LABEL: "120", tasks.TASK_LABEL: "t1"},
    }


def test_a_health_check_has_ecss_defaults() -> None:
    assert tasks.health_check({"command": ["CMD", "true"]}) == {
        "test": ["CMD", "true"],
        "interval": 30 * SECOND,
        "timeout": 5 * SECOND,
        "retries": 3,
        "start_period": 0,
    }


def test_the_health_check_of_an_image_is_ignored_as_on_ecs() -> None:
    assert tasks.health_check(None) == {"test": ["NONE"]}


def test_a_volume_without_a_host_path_is_a_new_one_for_the_task() -> None:
    definition = {"volumes": [{"name": "data"}, {"name": "host", "host": {"sourcePath": "/srv"}}]}
    mounts = [
        {"sourceVolume": "data", "containerPath": "/data"},
        {"sourceVolume": "host", "containerPath": "/srv"},
        {"sourceVolume": "data", "containerPath": "/again", "readOnly": True},
    ]
    assert tasks.empty_volumes(definition, {"mountPoints": mounts}, "t1") == [
        "localcloud-t1-data:/data:rw",
        "localcloud-t1-data:/again:ro",
    ]


def test_ecr_image_names_are_mapped_to_the_local_registry_and_others_are_kept() -> None:
    name = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/a/b@sha256:0"
    assert containers.local_name(name).endswith("/a/b@sha256:0")
    assert containers.local_name(name).startswith("localhost:")
    assert containers.local_name("python:3.13-slim") == "python:3.13-slim"


def test_a_target_groups_matcher_has_lists_and_ranges() -> None:
    assert health.matches("200,301-303", 302)
    assert not health.matches("200,301-303", 300)
    assert health.matches("200-299", 204)
