"""Which nodes a command reaches, how many at a time, and when it stops."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.ssm.conftest import Managed
from tests.ssm.samples import AGENT, code, command, invocation, over, send, shell, statuses

from localcloud.testing.cloud import until
from localcloud.testing.plain import unique

pytestmark = pytest.mark.local


def information(managed: Managed, key: str, value: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = managed.client("ssm").describe_instance_information(
        Filters=[{"Key": key, "Values": [value]}]
    )["InstanceInformationList"]
    return found


def commands(*lines: str) -> dict[str, list[str]]:
    return {"commands": list(lines)}


def test_a_node_is_online_while_its_host_runs_and_else_has_lost_its_connection(managed: Managed) -> None:
    group = unique("group")
    instance = managed.host(group=group)
    (row,) = information(managed, "tag:group", group)
    assert (row["InstanceId"], row["PingStatus"], row["PlatformType"]) == (instance, "Online", "Linux")
    managed.cut(instance)
    assert information(managed, "InstanceIds", instance)[0]["PingStatus"] == "ConnectionLost"
    assert information(managed, "PingStatus", "ConnectionLost")
    managed.client("ec2").terminate_instances(InstanceIds=[instance])
    assert information(managed, "tag:group", group) == []


def test_a_host_whose_role_does_not_let_the_agent_connect_is_no_managed_node(managed: Managed) -> None:
    role = managed.role(unique("deaf"), {**AGENT, "Action": ["ssm:UpdateInstanceInformation"]})
    instance = managed.bare_host(role)
    assert information(managed, "InstanceIds", instance) == []
    with pytest.raises(ClientError) as refused:
        shell(managed, instance, "true")
    assert code(refused.value) == "InvalidInstanceId"


def test_an_unknown_or_stopped_node_is_refused(managed: Managed) -> None:
    instance = managed.host()
    managed.client("ssm").describe_instance_information()
    managed.cut(instance)
    for wanted in (instance, "i-00000000000000000"):
        with pytest.raises(ClientError) as refused:
            shell(managed, wanted, "true")
        assert code(refused.value) == "InvalidInstanceId"


def test_a_filter_that_is_unknown_is_refused(managed: Managed) -> None:
    with pytest.raises(ClientError) as refused:
        information(managed, "Colour", "red")
    assert code(refused.value) == "InvalidFilterKey"


def test_targets_are_all_nodes_with_the_tags(managed: Managed) -> None:
    group = unique("group")
    first, second = managed.host(group=group, part="web"), managed.host(group=group, part="web")
    other = managed.host(group=group, part="db")
    targets = [{"Key": "tag:group", "Values": [group]}, {"Key": "tag:part", "Values": ["web", "proxy"]}]
    sent = send(managed, "AWS-RunShellScript", Targets=targets, Parameters=commands("true"))
    found = over(managed, sent)
    assert (found["TargetCount"], found["CompletedCount"]) == (2, 2)
    assert statuses(managed, sent) == {first: "Success", second: "Success"}
    assert other not in statuses(managed, sent)
    assert found["Targets"] == targets


def test_targets_without_a_node_succeed_with_no_instances_in_tag(managed: Managed) -> None:
    targets = [{"Key": "tag:group", "Values": [unique("absent")]}]
    found = over(managed, send(managed, "AWS-RunShellScript", Targets=targets, Parameters=commands("false")))
    assert (found["Status"], found["StatusDetails"], found["TargetCount"]) == ("Success", "NoInstancesInTag", 0)


@pytest.mark.parametrize("target", [{"Key": "Colour", "Values": ["red"]}, {"Key": "tag:", "Values": ["x"]}])
def test_a_target_that_is_not_valid_is_refused(managed: Managed, target: dict[str, object]) -> None:
    with pytest.raises(ClientError) as refused:
        send(managed, "AWS-RunShellScript", Targets=[target], Parameters=commands("true"))
    assert code(refused.value) == "InvalidTarget"


def test_not_more_nodes_than_allowed_run_a_command_at_once(managed: Managed, tmp_path: Path) -> None:
    group = unique("group")
    for _ in range(3):
        managed.host(group=group)
    lock = f"mkdir {tmp_path}/lock || exit 9; sleep 0.2; rmdir {tmp_path}/lock"
    targets = [{"Key": "tag:group", "Values": [group]}]
    for limit in ("1", "1%"):
        sent = send(managed, "AWS-RunShellScript", Targets=targets, Parameters=commands(lock), MaxConcurrency=limit)
        assert over(managed, sent)["Status"] == "Success"


def test_after_too_many_errors_the_waiting_nodes_get_nothing(managed: Managed) -> None:
    group = unique("group")
    hosts = [managed.host(group=group) for _ in range(3)]
    targets = [{"Key": "tag:group", "Values": [group]}]
    sent = send(
        managed, "AWS-RunShellScript", Targets=targets, Parameters=commands("exit 1"), MaxConcurrency="1", MaxErrors="0"
    )
    found = over(managed, sent)
    assert (found["Status"], found["ErrorCount"], found["CompletedCount"]) == ("Failed", 1, 3)
    assert sorted(statuses(managed, sent).values()) == ["Failed", "Terminated", "Terminated"]
    terminated = next(key for key, status in statuses(managed, sent).items() if status == "Terminated")
    assert invocation(managed, sent, terminated)["ResponseCode"] == -1
    assert set(statuses(managed, sent)) == set(hosts)


def test_errors_within_the_limit_leave_the_command_incomplete(managed: Managed) -> None:
    group = unique("group")
    hosts = [managed.host(group=group) for _ in range(3)]
    script = f'if [ "$AWS_SSM_INSTANCE_ID" = {hosts[0]} ]; then exit 1; fi'
    targets = [{"Key": "tag:group", "Values": [group]}]
    sent = send(managed, "AWS-RunShellScript", Targets=targets, Parameters=commands(script), MaxErrors="2")
    found = over(managed, sent)
    assert (found["StatusDetails"], found["ErrorCount"]) == ("Incomplete", 1)
    sent = send(managed, "AWS-RunShellScript", Targets=targets, Parameters=commands(script), MaxErrors="34%")
    assert over(managed, sent)["StatusDetails"] == "Failed"


def test_cancelling_reaches_waiting_nodes_and_only_the_named_ones(managed: Managed, tmp_path: Path) -> None:
    group, go = unique("group"), tmp_path / "go"
    for _ in range(2):
        managed.host(group=group)
    targets = [{"Key": "tag:group", "Values": [group]}]
    wait = f"while [ ! -e {go} ]; do sleep 0.05; done"
    sent = send(managed, "AWS-RunShellScript", Targets=targets, Parameters=commands(wait), MaxConcurrency="1")
    until("one runs", lambda: "InProgress" in statuses(managed, sent).values())
    waiting = next(key for key, status in statuses(managed, sent).items() if status == "Pending")
    managed.client("ssm").cancel_command(CommandId=sent, InstanceIds=[waiting])
    assert statuses(managed, sent)[waiting] == "Cancelled"
    go.touch()
    assert over(managed, sent)["Status"] == "Cancelled"
    assert sorted(statuses(managed, sent).values()) == ["Cancelled", "Success"]


def test_a_node_that_was_terminated_while_it_waited_is_undeliverable(managed: Managed, tmp_path: Path) -> None:
    group, go = unique("group"), tmp_path / "go"
    hosts = [managed.host(group=group) for _ in range(2)]
    targets = [{"Key": "tag:group", "Values": [group]}]
    wait = f"while [ ! -e {go} ]; do sleep 0.05; done"
    sent = send(managed, "AWS-RunShellScript", Targets=targets, Parameters=commands(wait), MaxConcurrency="1")
    until("one runs", lambda: "InProgress" in statuses(managed, sent).values())
    waiting = next(key for key, status in statuses(managed, sent).items() if status == "Pending")
    managed.cut(waiting)
    managed.client("ec2").terminate_instances(InstanceIds=[waiting])
    go.touch()
    assert over(managed, sent)["Status"] == "Success"
    assert statuses(managed, sent)[waiting] == "Undeliverable"
    assert waiting in hosts


@pytest.mark.slow
def test_a_node_without_connection_gets_the_command_when_it_returns_or_it_times_out(managed: Managed) -> None:
    group = unique("group")
    returning, gone = managed.host(group=group), managed.host(group=group)
    assert len(information(managed, "tag:group", group)) == 2
    managed.cut(returning)
    managed.cut(gone)
    targets = [{"Key": "tag:group", "Values": [group]}]
    sent = send(managed, "AWS-RunShellScript", Targets=targets, Parameters=commands("true"), TimeoutSeconds=30)
    until("it is delayed", lambda: set(statuses(managed, sent).values()) == {"Delayed"})
    managed.power(returning, managed.role(unique("back"), AGENT))
    found = over(managed, sent, 60)
    assert statuses(managed, sent) == {returning: "Success", gone: "DeliveryTimedOut"}
    assert (found["Status"], found["DeliveryTimedOutCount"]) == ("TimedOut", 1)
    assert command(managed, sent)["ErrorCount"] == 0
