"""ECS services: steady state, rolling updates, rollback, health checks, one task at a time."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from localcloud import network
from localcloud.testing.cloud import PULL, WEB, WRITE_LOG, Cloud, allow, balancer, definition, role, service, until
from localcloud.testing.plain import unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

BREAKER = {"Enable": True, "Rollback": True, "ThresholdConfiguration": {"Type": "COUNT", "Value": 2}}


def environment(**values: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def web(name: str, release: str, code: str = "200", desired: int = 2, **more: Any) -> dict[str, Any]:
    """Returns a web service with a load balancer, a secret, a log group and a container health check."""
    check = "python -c 'import urllib.request as u; u.urlopen(\"http://localhost:8000/\")' || exit 1"
    container: dict[str, Any] = {
        "EntryPoint": ["python"],
        "User": "1000",
        "ReadonlyRootFilesystem": True,
        "Environment": environment(RELEASE=release, CODE=code),
        "Secrets": [{"Name": "SECRET", "ValueFrom": {"Fn::Sub": "${Secret}:password::"}}],
        "MountPoints": [{"SourceVolume": "scratch", "ContainerPath": "/tmp"}],
        "PortMappings": [{"ContainerPort": 8000}],
        "HealthCheck": {"Command": ["CMD-SHELL", check if code == "200" else "true"]},
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {"awslogs-group": {"Ref": "Logs"}, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "w"},
        },
    }
    task = {
        "Family": name,
        "Volumes": [{"Name": "scratch"}],
        "ExecutionRoleArn": {"Fn::GetAtt": ["Execution", "Arn"]},
        "RuntimePlatform": {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"},
    }
    running = service(
        name,
        name,
        desired,
        EnableExecuteCommand=True,
        HealthCheckGracePeriodSeconds=5,
        AvailabilityZoneRebalancing="ENABLED",
        DeploymentConfiguration={
            "MaximumPercent": 200,
            "MinimumHealthyPercent": 100,
            "DeploymentCircuitBreaker": BREAKER,
        },
        LoadBalancers=[{"ContainerName": "main", "ContainerPort": 8000, "TargetGroupArn": {"Ref": "Group"}}],
        **more,
    )
    running["DependsOn"] = ["Cluster", "Listener"]
    return {
        "Resources": {
            "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": name}},
            "Secret": {
                "Type": "AWS::SecretsManager::Secret",
                "Properties": {"Name": name, "SecretString": json.dumps({"password": "hunter2"})},
            },
            "Execution": role(PULL, WRITE_LOG, allow("secretsmanager:GetSecretValue")),
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/ecs/{name}"}},
            "Task": definition("-c", WEB, Task=task, **container),
            "Service": running,
            **balancer(name),
        }
    }


@pytest.fixture(scope="module")
def name(cloud: Cloud) -> str:
    """A web service with release 1, deployed once for this module."""
    made = unique("web")
    cloud.deploy(web(made, "1"), made)
    return made


@pytest.fixture
def first(cloud: Cloud, name: str) -> str:
    """The same service, reset to release 1."""
    definition_arn = cloud.service(name, name)["taskDefinition"]
    described = cloud.client("ecs").describe_task_definition(taskDefinition=definition_arn)["taskDefinition"]
    variables = described["containerDefinitions"][0]["environment"]
    release = next(variable["value"] for variable in variables if variable["name"] == "RELEASE")
    if release != "1" or cloud.service(name, name)["desiredCount"] != 2:
        cloud.deploy(web(name, "1"), name)
    return name


def answer(cloud: Cloud, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cloud.get(name))
    return found


def healthy(cloud: Cloud, name: str) -> None:
    """Wait until there are two healthy targets, and none of the previous test."""
    until("two healthy targets and no other", lambda: health(cloud, name) == ["healthy", "healthy"])


def health(cloud: Cloud, name: str) -> list[str]:
    api = cloud.client("elbv2")
    balancer_arn = api.describe_load_balancers(Names=[name])["LoadBalancers"][0]["LoadBalancerArn"]
    arn = api.describe_target_groups(LoadBalancerArn=balancer_arn)["TargetGroups"][0]["TargetGroupArn"]
    described = api.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return sorted(target["TargetHealth"]["State"] for target in described)


def test_a_container_has_the_settings_of_its_definition(cloud: Cloud, first: str) -> None:
    seen = answer(cloud, first)
    assert seen["uid"] == 1000
    assert seen["secret"] == "hunter2"
    assert seen["writable"] == {"/tmp": True, "/usr": False, "/data": False}


def test_the_service_of_a_created_stack_is_steady(cloud: Cloud, first: str) -> None:
    found = cloud.service(first, first)
    assert found["runningCount"] == found["desiredCount"] == 2
    assert found["deployments"][0]["status"] == "PRIMARY"
    assert found["deployments"][0]["rolloutState"] == "COMPLETED"
    assert found["availabilityZoneRebalancing"] == "ENABLED"
    healthy(cloud, first)
    cloud.client("ecs").get_waiter("services_stable").wait(cluster=first, services=[first])
    assert len(cloud.service(first, first)["deployments"]) == 1


def test_a_service_answers_every_request_during_an_update(cloud: Cloud, first: str) -> None:
    releases: list[str] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            try:
                releases.append(answer(cloud, first)["release"])
            except OSError as error:
                releases.append(repr(error))

    asking = threading.Thread(target=ask)
    asking.start()
    cloud.deploy(web(first, "2"), first)
    until("release 2 answers", lambda: releases[-1:] == ["2"])
    done.set()
    asking.join()
    assert set(releases) == {"1", "2"}


def test_a_release_that_fails_its_health_check_is_rolled_back_with_the_reason(cloud: Cloud, first: str) -> None:
    with pytest.raises(AssertionError, match=r"(?s)ROLLBACK_COMPLETE.*codes: \[500\]"):
        cloud.deploy(web(first, "bad", code="500"), first)
    assert answer(cloud, first)["release"] == "1"
    healthy(cloud, first)
    messages = [event["message"] for event in cloud.service(first, first)["events"]]
    assert any("rolling back" in message for message in messages)


def test_a_release_with_a_missing_image_is_rolled_back_and_the_error_names_it(cloud: Cloud, first: str) -> None:
    template = web(first, "1")
    image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/never/pushed:1"
    template["Resources"]["Task"]["Properties"]["ContainerDefinitions"][0]["Image"] = image
    with pytest.raises(AssertionError, match=r"never/pushed:1 is not on this machine.*not pushed"):
        cloud.deploy(template, first)
    assert answer(cloud, first)["release"] == "1"


def test_logs_are_in_the_log_group_and_can_be_filtered(cloud: Cloud, first: str) -> None:
    logs = cloud.client("logs")

    def errors() -> list[str]:
        found = logs.filter_log_events(logGroupName=f"/ecs/{first}", filterPattern="ERROR")["events"]
        return [event["message"] for event in found]

    assert until("a line with ERROR", errors)[0] == "ERROR is only a word here"


def test_desired_count_zero_stops_all_tasks_and_a_higher_one_starts_them_again(cloud: Cloud, first: str) -> None:
    api = cloud.client("ecs")
    cloud.deploy(web(first, "1", desired=0), first)
    until("no task", lambda: not api.list_tasks(cluster=first)["taskArns"])
    assert cloud.service(first, first)["deployments"][0]["rolloutState"] == "COMPLETED"
    cloud.deploy(web(first, "1", desired=2), first)
    healthy(cloud, first)


def test_a_stopped_task_is_replaced(cloud: Cloud, first: str) -> None:
    api = cloud.client("ecs")
    victim = api.list_tasks(cluster=first, serviceName=first)["taskArns"][0]
    api.stop_task(cluster=first, task=victim, reason="test")
    stopped = cloud.stopped(first, victim)
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "test")
    healthy(cloud, first)
    assert victim not in api.list_tasks(cluster=first, serviceName=first)["taskArns"]


# --- without a load balancer -----------------------------------------------------------------------------------------

STAMP = "import time, signal, sys; signal.signal(15, lambda *_: (time.sleep(1), sys.exit(0))); time.sleep(600)"


def unbalanced(name: str, release: str, *command: str, **more: Any) -> dict[str, Any]:
    task = definition(*(command or ("python", "-c", STAMP)), Environment=environment(RELEASE=release), StopTimeout=10)
    return {
        "Resources": {
            "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": name}},
            "Task": task,
            "Service": service(name, name, **more),
        }
    }


def test_with_minimum_zero_and_maximum_hundred_percent_two_tasks_never_run_at_once(cloud: Cloud) -> None:
    name = unique("beat")
    alone = {"MinimumHealthyPercent": 0, "MaximumPercent": 100}
    cloud.deploy(unbalanced(name, "1", DeploymentConfiguration=alone), name)
    docker, maximum, done = network.connect(), [0], threading.Event()
    assert docker is not None
    cluster = cloud.client("ecs").describe_clusters(clusters=[name])["clusters"][0]["clusterArn"]

    def count() -> None:
        while not done.is_set():
            found = docker.containers.list(
                ignore_removed=True, filters={"label": f"com.amazonaws.ecs.cluster={cluster}"}
            )
            maximum[0] = max(maximum[0], len(found))

    counting = threading.Thread(target=count)
    counting.start()
    cloud.deploy(unbalanced(name, "2", DeploymentConfiguration=alone), name)
    done.set()
    counting.join()
    assert maximum == [1]
    assert cloud.delete(name) == "DELETE_COMPLETE"


def test_a_service_that_crashes_at_creation_is_deleted(cloud: Cloud) -> None:
    name = unique("crash")
    settings = {"DeploymentCircuitBreaker": BREAKER}
    with pytest.raises(AssertionError, match=r"(?s)ROLLBACK_COMPLETE.*Essential container in task exited"):
        cloud.deploy(
            unbalanced(name, "1", "python", "-c", "raise SystemExit(3)", DeploymentConfiguration=settings), name
        )
    assert cloud.client("ecs").list_tasks(cluster=name)["taskArns"] == []


def test_deleting_a_service_waits_for_its_containers(cloud: Cloud) -> None:
    name = unique("gone")
    cloud.deploy(unbalanced(name, "1"), name)
    arn = cloud.client("ecs").list_tasks(cluster=name)["taskArns"][0]
    assert cloud.delete(name) == "DELETE_COMPLETE"
    assert cloud.task(name, arn)["containers"][0]["exitCode"] == 0
