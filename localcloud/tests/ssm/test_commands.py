"""Commands on hosts: documents that run, statuses, output, cancellation."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.ssm.conftest import Managed
from tests.ssm.samples import LOGS, code, command, create, invocation, message, over, send, shell, statuses, step, text

from localcloud.testing.cloud import until
from localcloud.testing.plain import unique

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def host(managed: Managed) -> str:
    return managed.host(LOGS)


def test_a_document_runs_with_its_parameters_and_the_default_of_others(managed: Managed, host: str) -> None:
    parameters = {"Who": {"type": "String", "default": "world"}, "What": {"type": "String", "default": "hello"}}
    name = create(managed, step("echo {{ What }} {{ Who }}"), **parameters)
    sent = send(managed, name, host, Parameters={"Who": ["moon"]})
    assert over(managed, sent)["Status"] == "Success"
    found = invocation(managed, sent, host)
    assert (found["Status"], found["ResponseCode"], found["PluginName"]) == ("Success", 0, "run")
    assert found["StandardOutputContent"] == "hello moon\n"
    assert found["ExecutionStartDateTime"] <= found["ExecutionEndDateTime"]
    assert found["ExecutionElapsedTime"].startswith("PT0.")


def test_send_command_answers_pending_and_the_response_code_is_minus_one_until_the_end(
    managed: Managed, host: str, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    wait = f"while [ ! -e {go} ]; do sleep 0.05; done; echo done"
    answer = managed.client("ssm").send_command(
        DocumentName="AWS-RunShellScript", InstanceIds=[host], Parameters={"commands": [wait]}, Comment="waits"
    )["Command"]
    assert (answer["Status"], answer["StatusDetails"], answer["Comment"]) == ("Pending", "Pending", "waits")
    sent = answer["CommandId"]
    until("it runs", lambda: invocation(managed, sent, host)["Status"] == "InProgress")
    found = invocation(managed, sent, host)
    assert (found["ResponseCode"], found["StandardOutputContent"], found["ExecutionEndDateTime"]) == (-1, "", "")
    assert command(managed, sent)["Status"] == "InProgress"
    go.touch()
    assert over(managed, sent)["CompletedCount"] == 1
    assert invocation(managed, sent, host)["StandardOutputContent"] == "done\n"


def test_an_exit_code_other_than_zero_fails_the_invocation_and_the_command(managed: Managed, host: str) -> None:
    sent = shell(managed, host, "echo out", "echo err >&2", "exit 7")
    found = over(managed, sent)
    assert (found["Status"], found["StatusDetails"], found["ErrorCount"]) == ("Failed", "Failed", 1)
    copy = invocation(managed, sent, host)
    assert (copy["Status"], copy["ResponseCode"]) == ("Failed", 7)
    assert (copy["StandardOutputContent"], copy["StandardErrorContent"]) == ("out\n", "err\n")


def test_the_steps_run_in_their_order_and_a_failed_one_does_not_stop_the_next(managed: Managed, host: str) -> None:
    name = create(managed, step("echo one; exit 3", name="first"), step("echo two", name="second"))
    sent = send(managed, name, host)
    assert over(managed, sent)["Status"] == "Failed"
    assert invocation(managed, sent, host, "first")["ResponseCode"] == 3
    assert invocation(managed, sent, host, "second")["StandardOutputContent"] == "two\n"
    with pytest.raises(ClientError) as unnamed:
        invocation(managed, sent, host)
    assert code(unnamed.value) == "InvalidPluginName"
    assert "first, second" in message(unnamed.value)


def test_on_failure_exit_leaves_the_other_steps_out_but_the_final_one(managed: Managed, host: str) -> None:
    name = create(
        managed,
        step("exit 3", name="first", onFailure="exit"),
        step("echo two", name="second"),
        step("echo three", name="third", finallyStep=True),
    )
    sent = send(managed, name, host)
    assert over(managed, sent)["Status"] == "Failed"
    assert invocation(managed, sent, host, "second")["StandardOutputContent"] == ""
    assert invocation(managed, sent, host, "third")["StandardOutputContent"] == "three\n"


def test_success_and_exit_makes_a_failed_step_successful(managed: Managed, host: str) -> None:
    name = create(managed, step("exit 3", name="first", onFailure="successAndExit"), step("exit 4", name="second"))
    assert over(managed, send(managed, name, host))["Status"] == "Success"


def test_a_step_whose_precondition_is_not_met_is_skipped(managed: Managed, host: str) -> None:
    other = step("exit 9", name="other", precondition={"StringEquals": ["{{ Mode }}", "other"]})
    windows = {**step("dir", name="windows"), "action": "aws:runPowerShellScript"}
    windows["precondition"] = {"StringEquals": ["platformType", "Windows"]}
    linux = step("echo linux", name="linux", precondition={"StringEquals": ["platformType", "Linux"]})
    name = create(managed, windows, other, linux, Mode={"type": "String", "default": "this"})
    sent = send(managed, name, host)
    assert over(managed, sent)["Status"] == "Success"
    assert "skipped" in invocation(managed, sent, host, "windows")["StandardOutputContent"]
    assert invocation(managed, sent, host, "linux")["StandardOutputContent"] == "linux\n"


def test_a_command_runs_in_the_working_directory_and_fails_if_there_is_none(
    managed: Managed, host: str, tmp_path: Path
) -> None:
    name = create(managed, step("pwd", workingDirectory="{{ Folder }}"), Folder={"type": "String"})
    sent = send(managed, name, host, Parameters={"Folder": [str(tmp_path)]})
    assert over(managed, sent)["Status"] == "Success"
    assert invocation(managed, sent, host)["StandardOutputContent"] == f"{tmp_path}\n"
    sent = send(managed, name, host, Parameters={"Folder": [str(tmp_path / "absent")]})
    assert over(managed, sent)["Status"] == "Failed"
    assert "absent" in invocation(managed, sent, host)["StandardErrorContent"]


def test_a_script_may_name_its_interpreter(managed: Managed, host: str) -> None:
    sent = shell(
        managed, host, "#!/usr/bin/env python3", "import os", "print('from', os.environ['AWS_SSM_INSTANCE_ID'])"
    )
    over(managed, sent)
    assert invocation(managed, sent, host)["StandardOutputContent"] == f"from {host}\n"


def test_a_command_that_exceeds_its_execution_timeout_is_killed_with_its_children(
    managed: Managed, host: str, tmp_path: Path
) -> None:
    mark = tmp_path / "pid"
    parameters = {"commands": [f"sleep 600 & echo $! > {mark}; wait"], "executionTimeout": ["1"]}
    sent = send(managed, "AWS-RunShellScript", host, Parameters=parameters)
    found = over(managed, sent)
    assert (found["Status"], found["StatusDetails"], found["ErrorCount"]) == ("TimedOut", "ExecutionTimedOut", 1)
    copy = invocation(managed, sent, host)
    assert (copy["Status"], copy["StatusDetails"]) == ("TimedOut", "ExecutionTimedOut")
    until("its child is dead", lambda: _dead(int(mark.read_text())))


def _dead(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_cancelled_command_is_killed(managed: Managed, host: str, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    sent = shell(managed, host, f"echo $$ > {mark}; sleep 600")
    until("it runs", mark.exists)
    managed.client("ssm").cancel_command(CommandId=sent)
    assert over(managed, sent)["Status"] == "Cancelled"
    assert invocation(managed, sent, host)["StatusDetails"] == "Cancelled"
    until("it is dead", lambda: _dead(int(mark.read_text())))
    managed.client("ssm").cancel_command(CommandId=sent)
    assert command(managed, sent)["Status"] == "Cancelled"


def test_output_is_cut_at_the_documented_lengths(managed: Managed, host: str) -> None:
    sent = shell(managed, host, "head -c 30000 /dev/zero | tr '\\0' a", "head -c 9000 /dev/zero | tr '\\0' b >&2")
    over(managed, sent)
    found = invocation(managed, sent, host)
    assert (len(found["StandardOutputContent"]), len(found["StandardErrorContent"])) == (24_000, 8_000)
    assert found["StandardOutputContent"].endswith("---Output truncated---")
    listed = managed.client("ssm").list_command_invocations(CommandId=sent, Details=True)["CommandInvocations"]
    assert len(listed[0]["CommandPlugins"][0]["Output"]) == 2500


def test_details_list_the_output_of_each_step(managed: Managed, host: str) -> None:
    sent = shell(managed, host, "echo out; echo err >&2")
    over(managed, sent)
    ssm = managed.client("ssm")
    (row,) = ssm.list_command_invocations(CommandId=sent, Details=True)["CommandInvocations"]
    (plugin,) = row["CommandPlugins"]
    assert (plugin["Name"], plugin["ResponseCode"]) == ("aws:runShellScript", 0)
    assert plugin["Output"] == "out\n\n----------ERROR-------\nerr\n"
    assert ssm.list_command_invocations(CommandId=sent)["CommandInvocations"][0]["CommandPlugins"] == []


def test_all_of_the_output_goes_to_the_log_group_as_the_hosts_role(managed: Managed, host: str) -> None:
    group, logs = unique("/hosts/commands"), managed.client("logs")
    config = {"CloudWatchOutputEnabled": True, "CloudWatchLogGroupName": group}
    sent = shell(managed, host, "seq 1 6000", "echo err >&2", CloudWatchOutputConfig=config)
    assert over(managed, sent)["CloudWatchOutputConfig"] == config
    prefix = f"{sent}/{host}/aws-runShellScript"
    names = [stream["logStreamName"] for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]]
    assert sorted(names) == [f"{prefix}/stderr", f"{prefix}/stdout"]
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, logStreamNames=[f"{prefix}/stdout"])
    lines = [event["message"] for page in pages for event in page["events"]]
    assert lines == [str(number) for number in range(1, 6001)]


def test_without_permission_to_write_the_log_the_command_succeeds_all_the_same(managed: Managed) -> None:
    mute, group = managed.host(), unique("/hosts/commands")
    sent = shell(managed, mute, "echo out", CloudWatchOutputConfig={"CloudWatchLogGroupName": group})
    assert over(managed, sent)["Status"] == "Success"
    assert managed.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []


def test_patching_says_that_there_is_nothing_to_patch(managed: Managed, host: str) -> None:
    sent = send(managed, "AWS-RunPatchBaseline", host, Parameters={"Operation": ["Install"]})
    assert over(managed, sent)["Status"] == "Success"
    assert "nothing to patch" in invocation(managed, sent, host)["StandardOutputContent"]


def test_an_unknown_document_is_refused_and_reports_no_success(managed: Managed, host: str) -> None:
    for name in ("absent-document", "AWS-RunPowerShellScript"):
        with pytest.raises(ClientError) as refused:
            send(managed, name, host)
        assert code(refused.value) == "InvalidDocument"


def test_a_chosen_version_of_the_document_runs(managed: Managed, host: str) -> None:
    name = create(managed, step("echo one"))
    managed.client("ssm").update_document(Name=name, DocumentVersion="$LATEST", Content=text(step("echo two")))
    sent = send(managed, name, host, DocumentVersion="$LATEST")
    over(managed, sent)
    assert invocation(managed, sent, host)["StandardOutputContent"] == "two\n"
    with pytest.raises(ClientError) as refused:
        send(managed, name, host, DocumentVersion="9")
    assert code(refused.value) == "InvalidDocumentVersion"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"Parameters": {"commands": ["true"], "colour": ["red"]}}, "InvalidParameters"),
        ({"Parameters": {}}, "InvalidParameters"),
        ({"Parameters": {"commands": ["true"], "executionTimeout": ["never"]}}, "InvalidParameters"),
        ({"OutputS3BucketName": "bucket"}, "InvalidOutputFolder"),
        ({"ServiceRoleArn": "arn:aws:iam::111122223333:role/x"}, "InvalidNotificationConfig"),
        ({"MaxConcurrency": "0"}, "ValidationException"),
        ({"DocumentHash": "0" * 64}, "InvalidDocument"),
        ({"Targets": [{"Key": "tag:a", "Values": ["b"]}]}, "ValidationException"),
    ],
)
def test_a_command_that_is_not_valid_is_refused(
    managed: Managed, host: str, more: dict[str, object], expected: str
) -> None:
    with pytest.raises(ClientError) as refused:
        send(managed, "AWS-RunShellScript", host, **{"Parameters": {"commands": ["true"]}, **more})
    assert code(refused.value) == expected


def test_invocations_and_commands_that_do_not_exist(managed: Managed, host: str) -> None:
    ssm, absent = managed.client("ssm"), "00000000-0000-0000-0000-000000000000"
    with pytest.raises(ClientError) as missing:
        invocation(managed, absent, host)
    assert code(missing.value) == "InvocationDoesNotExist"
    with pytest.raises(ClientError) as unknown:
        ssm.cancel_command(CommandId=absent)
    assert code(unknown.value) == "InvalidCommandId"
    assert ssm.list_commands(CommandId=absent)["Commands"] == []
    assert ssm.list_command_invocations(CommandId=absent)["CommandInvocations"] == []


def test_commands_are_listed_by_node_status_and_document_newest_first(managed: Managed, host: str) -> None:
    ssm = managed.client("ssm")
    first, second = shell(managed, host, "true"), shell(managed, host, "false")
    over(managed, first)
    over(managed, second)
    listed = [row["CommandId"] for row in ssm.list_commands(InstanceId=host)["Commands"]]
    assert listed.index(second) < listed.index(first)

    def found(key: str, value: str) -> set[str]:
        return {row["CommandId"] for row in ssm.list_commands(Filters=[{"key": key, "value": value}])["Commands"]}

    assert first in found("Status", "Success")
    assert second in found("Status", "Failed")
    assert {first, second} <= found("DocumentName", "AWS-RunShellScript")
    assert {first, second} <= found("ExecutionStage", "Complete")
    assert not {first, second} & found("InvokedBefore", "2017-06-07T00:00:00Z")
    assert statuses(managed, second) == {host: "Failed"}


def test_a_host_that_ends_while_a_command_runs_ends_its_invocation(managed: Managed) -> None:
    lost = managed.host()
    sent = shell(managed, lost, "sleep 600")
    until("it runs", lambda: invocation(managed, sent, lost)["Status"] == "InProgress")
    managed.cut(lost)
    found = over(managed, sent)
    assert (found["Status"], found["StatusDetails"]) == ("TimedOut", "DeliveryTimedOut")
