"""Commands, State Manager and sessions on a real host: the container of an EC2 instance."""

from __future__ import annotations

import subprocess

import pytest
from botocore.exceptions import ClientError
from tests.ssm.samples import AGENT, LOGS, code, command, create, invocation, over, send, shell, step

from localcloud.testing.cloud import Cloud, role, until
from localcloud.testing.hosts import Host, launched, template
from localcloud.testing.plain import unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]


def ping(cloud: Cloud, host: Host) -> str:
    """Returns the ping status of a host; empty if it is no managed node."""
    listed = cloud.client("ssm").describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": [host.id]}])
    return "".join(row["PingStatus"] for row in listed["InstanceInformationList"])


@pytest.fixture(scope="module")
def host(cloud: Cloud) -> Host:
    made = launched(cloud, template("#!/bin/sh\ntrue\n", Role=role(AGENT, LOGS, service="ec2.amazonaws.com")))
    until("it is online", lambda: ping(cloud, made) == "Online", 300)
    return made


def dead(host: Host, mark: str) -> bool:
    """True if the process whose number is in a file of the host has ended."""
    return host.sh(f"kill -0 $(cat {mark}) 2>/dev/null && echo alive || echo dead") == "dead"


def test_a_command_runs_as_root_with_the_role_of_the_host(cloud: Cloud, host: Host) -> None:
    sent = shell(cloud, host.id, "id -un", "aws sts get-caller-identity --query Arn --output text")
    assert over(cloud, sent, 60)["Status"] == "Success"
    user, arn = invocation(cloud, sent, host.id)["StandardOutputContent"].split()
    assert user == "root"
    assert ":assumed-role/" in arn


def test_a_hung_command_is_killed_with_its_children(cloud: Cloud, host: Host) -> None:
    mark = f"/tmp/{unique('pid')}"
    name = create(cloud, step(f"sleep 600 & echo $! > {mark}; wait", timeoutSeconds=2))
    sent = send(cloud, name, host.id)
    assert over(cloud, sent, 60)["StatusDetails"] == "ExecutionTimedOut"
    until("its child is dead", lambda: dead(host, mark))


def test_a_cancelled_command_is_killed_in_the_host(cloud: Cloud, host: Host) -> None:
    mark = f"/tmp/{unique('pid')}"
    sent = shell(cloud, host.id, f"echo $$ > {mark}; sleep 600")
    until("it runs", lambda: host.sh(f"test -e {mark} && echo yes || echo no") == "yes")
    cloud.client("ssm").cancel_command(CommandId=sent)
    assert over(cloud, sent, 60)["Status"] == "Cancelled"
    until("it is dead", lambda: dead(host, mark))


def test_the_aws_cli_opens_a_session_with_the_stand_in_of_the_plugin(cloud: Cloud, host: Host) -> None:
    line = (
        f". {cloud.state}/local.env && aws ssm start-session --target {host.id} "
        '--document-name AWS-StartNonInteractiveCommand --parameters \'{"command": ["hostname; id -un"]}\''
    )
    done = subprocess.run(["bash", "-c", line], check=False, capture_output=True, text=True, timeout=120)
    assert "root" in done.stdout, done.stderr
    assert host.sh("hostname") in done.stdout


def test_terminating_a_session_ends_its_shell(cloud: Cloud, host: Host) -> None:
    ssm, target = cloud.client("ssm"), [{"key": "Target", "value": host.id}]
    line = f". {cloud.state}/local.env && aws ssm start-session --target {host.id}"
    with subprocess.Popen(["bash", "-c", line], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as opened:
        until(
            "it is connected",
            lambda: [
                row
                for row in ssm.describe_sessions(State="Active", Filters=target)["Sessions"]
                if row["Status"] == "Connected"
            ],
            120,
        )
        (row,) = ssm.describe_sessions(State="Active", Filters=[*target, {"key": "Status", "value": "Connected"}])[
            "Sessions"
        ]
        ssm.terminate_session(SessionId=row["SessionId"])
        opened.wait(60)
    listed = ssm.describe_sessions(State="History", Filters=[{"key": "SessionId", "value": row["SessionId"]}])
    assert listed["Sessions"][0]["Status"] == "Terminated"


def test_a_stopped_host_loses_its_connection_and_gets_its_associations_when_it_returns(
    cloud: Cloud, host: Host
) -> None:
    ssm, ec2 = cloud.client("ssm"), cloud.client("ec2")
    ec2.stop_instances(InstanceIds=[host.id])
    host.wait("stopped")
    assert ping(cloud, host) == "ConnectionLost"
    with pytest.raises(ClientError) as refused:
        shell(cloud, host.id, "true")
    assert code(refused.value) == "InvalidInstanceId"
    targets = [{"Key": "InstanceIds", "Values": [host.id]}]
    made = ssm.create_association(Name=create(cloud, step("echo joined")), Targets=targets)["AssociationDescription"]
    ec2.start_instances(InstanceIds=[host.id])
    until("it is online", lambda: ping(cloud, host) == "Online", 120)

    def status() -> str:
        found = ssm.describe_association(AssociationId=made["AssociationId"])["AssociationDescription"]
        return str(found["Overview"]["Status"])

    until("the association ran", lambda: status() == "Success", 120)
    ssm.delete_association(AssociationId=made["AssociationId"])


@pytest.mark.last
def test_a_terminated_host_is_no_managed_node_and_ends_its_command(cloud: Cloud, host: Host) -> None:
    sent = shell(cloud, host.id, "sleep 600")
    until("it runs", lambda: invocation(cloud, sent, host.id)["Status"] == "InProgress")
    cloud.client("ec2").terminate_instances(InstanceIds=[host.id])
    assert over(cloud, sent, 120)["StatusDetails"] == "DeliveryTimedOut"
    assert command(cloud, sent)["CompletedCount"] == 1
    until("it is forgotten", lambda: ping(cloud, host) == "")
