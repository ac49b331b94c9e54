"""Services have names in Cloud Map that other tasks resolve, and the port of a task can be opened on this machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from docker.errors import ContainerError

import localcloud
from localcloud import network
from localcloud.testing.cloud import WEB, Cloud, definition, service, until
from localcloud.testing.plain import free_port, unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

PLUGIN = Path(localcloud.__file__).parent / "bin" / "session-manager-plugin"
DOCUMENT = "AWS-StartPortForwardingSession"
# Listens on the task's own loopback, as a service that nothing in the network may reach.
LOOPBACK = WEB.replace('(("", 8000)', '(("127.0.0.1", 8000)')


def stack(name: str, *, program: str = WEB) -> dict[str, Any]:
    """Returns two tasks of a service with the name `web` in a domain."""
    registered = {"ServiceRegistries": [{"RegistryArn": {"Fn::GetAtt": ["Name", "Arn"]}}]}
    running = service(name, name, 2, EnableExecuteCommand=True, **registered)
    return {
        "Resources": {
            "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": name}},
            "Domain": {
                "Type": "AWS::ServiceDiscovery::PrivateDnsNamespace",
                "Properties": {"Name": f"{name}.internal", "Vpc": "vpc-1"},
            },
            "Name": {
                "Type": "AWS::ServiceDiscovery::Service",
                "Properties": {
                    "Name": "web",
                    "NamespaceId": {"Ref": "Domain"},
                    "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 10}]},
                    "HealthCheckCustomConfig": {"FailureThreshold": 1},
                },
            },
            "Task": definition("python", "-c", program, Task={"Family": name}),
            "Service": running,
        }
    }


@pytest.fixture(scope="module", name="name")
def _name(cloud: Cloud) -> str:
    name = unique("names")
    cloud.deploy(stack(name, program=LOOPBACK), name)
    return name


def addresses(cloud: Cloud, domain: str) -> set[str]:
    """Returns what a container of the cloud's network resolves a name to."""
    client = network.connect()
    assert client is not None
    program = f"import socket; print(*{{entry[4][0] for entry in socket.getaddrinfo({domain!r}, 8000)}})"
    try:
        output = client.containers.run(
            "python:3.13-slim", ["python", "-c", program], network=cloud.settings.network, remove=True
        )
    except ContainerError as error:
        if "gaierror" not in str(error):
            raise
        return set()  # the name does not resolve
    return set(output.decode().split())


def instances(cloud: Cloud, name: str) -> set[str]:
    """Returns the addresses that Cloud Map has of the stack's service."""
    resource = cloud.client("cloudformation").describe_stack_resource(StackName=name, LogicalResourceId="Name")
    identifier = resource["StackResourceDetail"]["PhysicalResourceId"]
    listed = cloud.client("servicediscovery").list_instances(ServiceId=identifier)["Instances"]
    return {instance["Attributes"]["AWS_INSTANCE_IPV4"] for instance in listed}


def test_the_name_of_a_service_has_the_address_of_each_running_task(cloud: Cloud, name: str) -> None:
    until("both tasks are registered", lambda: len(instances(cloud, name)) == 2)

    assert addresses(cloud, f"web.{name}.internal") == instances(cloud, name)


def test_a_task_that_ends_is_no_instance_any_more(cloud: Cloud, name: str) -> None:
    until("both tasks are registered", lambda: len(instances(cloud, name)) == 2)

    cloud.client("ecs").update_service(cluster=name, service=name, desiredCount=1)

    until("one task is registered", lambda: len(instances(cloud, name)) == 1)
    until("the name has one address", lambda: addresses(cloud, f"web.{name}.internal") == instances(cloud, name))
    cloud.client("ecs").update_service(cluster=name, service=name, desiredCount=2)
    until("both tasks are registered again", lambda: len(instances(cloud, name)) == 2)


def target(cloud: Cloud, name: str) -> str:
    ecs = cloud.client("ecs")
    task = until("a task runs", lambda: ecs.list_tasks(cluster=name, desiredStatus="RUNNING")["taskArns"])[0]
    (found,) = ecs.describe_tasks(cluster=name, tasks=[task])["tasks"]
    return f"ecs:{name}_{task.rpartition('/')[2]}_{found['containers'][0]['runtimeId']}"


def containers(identifier: str) -> list[str]:
    client = network.connect()
    assert client is not None
    return [str(found.name) for found in client.containers.list(filters={"name": f"localcloud-session-{identifier}"})]


def test_a_port_of_the_tasks_own_loopback_is_opened_until_the_command_ends(cloud: Cloud, name: str) -> None:
    port = free_port()
    session = cloud.client("ssm").start_session(
        Target=target(cloud, name),
        DocumentName=DOCUMENT,
        Parameters={"portNumber": ["8000"], "localPortNumber": [str(port)]},
    )
    variable = {"SESSION": json.dumps({key: session[key] for key in ("SessionId", "StreamUrl")})}
    plugin = subprocess.Popen(
        [sys.executable, PLUGIN, "SESSION"], env={**os.environ, **variable}, stdout=subprocess.PIPE, text=True
    )

    def answer() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as opened:
            return str(opened.read())

    def answers() -> bool:
        try:
            return "release" in answer()
        except OSError:
            return False

    try:
        until("the port answers", answers)
        assert all("release" in answer() for _ in range(5))
        assert containers(session["SessionId"])
    finally:
        plugin.send_signal(signal.SIGINT)
        plugin.wait(timeout=30)
    assert not containers(session["SessionId"])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize(
    ("document", "parameters", "error"),
    [
        (DOCUMENT, {"portNumber": ["eighty"]}, "InvalidParameters"),
        (DOCUMENT, {"portNumber": ["70000"]}, "InvalidParameters"),
        ("SSM-SessionManagerRunShell", {}, "ValidationException"),
    ],
)
def test_a_session_with_a_task_only_forwards_a_port(
    cloud: Cloud, name: str, document: str, parameters: dict[str, list[str]], error: str
) -> None:
    with pytest.raises(ClientError) as refused:
        cloud.client("ssm").start_session(Target=target(cloud, name), DocumentName=document, Parameters=parameters)

    assert refused.value.response["Error"]["Code"] == error


@pytest.mark.parametrize("wrong", ["ecs:absent_0_0", "ecs:x"])
def test_a_task_that_does_not_run_is_not_connected(cloud: Cloud, wrong: str) -> None:
    with pytest.raises(ClientError) as refused:
        cloud.client("ssm").start_session(Target=wrong, DocumentName=DOCUMENT)

    assert refused.value.response["Error"]["Code"] == "TargetNotConnected"
