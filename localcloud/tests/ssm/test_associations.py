"""State Manager's associations: when they run, and on which nodes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.ssm.conftest import Managed
from tests.ssm.samples import AGENT, code, create, document, invocation, message, step, text

from localcloud.testing.cloud import until
from localcloud.testing.plain import resources, unique

pytestmark = pytest.mark.local


def associate(managed: Managed, name: str, group: str, **more: Any) -> str:
    targets = [{"Key": "tag:group", "Values": [group]}]
    answer = managed.client("ssm").create_association(Name=name, Targets=targets, **more)
    found: str = answer["AssociationDescription"]["AssociationId"]
    return found


def overview(managed: Managed, identifier: str) -> dict[str, Any]:
    found = managed.client("ssm").describe_association(AssociationId=identifier)["AssociationDescription"]
    shown: dict[str, Any] = found["Overview"]
    return shown


def executions(managed: Managed, identifier: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = managed.client("ssm").describe_association_executions(AssociationId=identifier)[
        "AssociationExecutions"
    ]
    return found


def succeeded(managed: Managed, identifier: str, times: int = 1) -> None:
    def ready() -> bool:
        listed = executions(managed, identifier)
        return len(listed) == times and all(run["Status"] == "Success" for run in listed)

    until(f"{identifier} ran {times} times", ready)


def test_an_association_runs_on_the_matching_nodes_when_it_is_created(managed: Managed) -> None:
    group = unique("group")
    mine, _other = managed.host(group=group), managed.host(group=unique("other"))
    name = create(managed, step("echo {{ Word }}"), Word={"type": "String"})
    identifier = associate(managed, name, group, Parameters={"Word": ["joined"]}, AssociationName="join")
    succeeded(managed, identifier)
    ssm = managed.client("ssm")
    (run,) = executions(managed, identifier)
    assert run["ResourceCountByStatus"] == "{Success=1}"
    (target,) = ssm.describe_association_execution_targets(AssociationId=identifier, ExecutionId=run["ExecutionId"])[
        "AssociationExecutionTargets"
    ]
    assert (target["ResourceId"], target["Status"]) == (mine, "Success")
    assert invocation(managed, target["OutputSource"]["OutputSourceId"], mine)["StandardOutputContent"] == "joined\n"
    assert overview(managed, identifier) == {
        "Status": "Success",
        "DetailedStatus": "Success",
        "AssociationStatusAggregatedCount": {"Success": 1},
    }


def test_a_host_that_joins_later_gets_the_association(managed: Managed) -> None:
    group = unique("group")
    identifier = associate(managed, create(managed, step("true")), group)
    assert overview(managed, identifier)["Status"] == "Pending"
    assert executions(managed, identifier) == []
    host = managed.host(group=group)
    succeeded(managed, identifier)
    managed.cut(host)
    managed.power(host, managed.role(unique("back"), AGENT))
    succeeded(managed, identifier, 2)


def test_a_failed_run_is_shown_and_the_association_can_be_started_again(managed: Managed, tmp_path: Path) -> None:
    group, mark = unique("group"), tmp_path / "mark"
    managed.host(group=group)
    identifier = associate(managed, create(managed, step(f"test -e {mark}")), group)
    until("it failed", lambda: overview(managed, identifier)["Status"] == "Failed")
    mark.touch()
    managed.client("ssm").start_associations_once(AssociationIds=[identifier])
    until("it succeeded", lambda: overview(managed, identifier)["Status"] == "Success")
    assert len(executions(managed, identifier)) == 2


def test_with_apply_only_at_cron_interval_nothing_runs_at_once(managed: Managed) -> None:
    group = unique("group")
    managed.host(group=group)
    name = create(managed, step("true"))
    identifier = associate(managed, name, group, ScheduleExpression="cron(0 3 ? * SUN *)", ApplyOnlyAtCronInterval=True)
    managed.host(group=group)
    marker = associate(managed, create(managed, step("echo later")), group)
    succeeded(managed, marker)
    assert executions(managed, identifier) == []


def test_a_schedule_runs_the_association(managed: Managed) -> None:
    group = unique("group")
    managed.host(group=group)
    soon = datetime.now(UTC) + timedelta(seconds=2)
    more = {"ScheduleExpression": f"at({soon:%Y-%m-%dT%H:%M:%S})", "ApplyOnlyAtCronInterval": True}
    identifier = associate(managed, create(managed, step("true")), group, **more)
    assert executions(managed, identifier) == []
    succeeded(managed, identifier)


def test_a_new_default_version_runs_the_association(managed: Managed) -> None:
    group, ssm = unique("group"), managed.client("ssm")
    host = managed.host(group=group)
    name = create(managed, step("echo one"))
    identifier = associate(managed, name, group)
    succeeded(managed, identifier)
    ssm.update_document(Name=name, DocumentVersion="$LATEST", Content=text(step("echo two")))
    assert len(executions(managed, identifier)) == 1
    ssm.update_document_default_version(Name=name, DocumentVersion="2")
    succeeded(managed, identifier, 2)
    newest = executions(managed, identifier)[0]["ExecutionId"]
    (target,) = ssm.describe_association_execution_targets(AssociationId=identifier, ExecutionId=newest)[
        "AssociationExecutionTargets"
    ]
    assert invocation(managed, target["OutputSource"]["OutputSourceId"], host)["StandardOutputContent"] == "two\n"


@pytest.mark.parametrize("expression", ["rate(29 minutes)", "every day", "cron(61 * * * ? *)", "cron(* * * * ? *)"])
def test_a_schedule_that_is_not_valid_is_refused(managed: Managed, expression: str) -> None:
    name = create(managed, step("true"))
    with pytest.raises(ClientError) as refused:
        associate(managed, name, unique("group"), ScheduleExpression=expression)
    assert code(refused.value) == "InvalidSchedule"


def test_an_association_that_is_not_valid_is_refused(managed: Managed) -> None:
    name = create(managed, step("true"), Word={"type": "String"})
    with pytest.raises(ClientError) as parameters:
        associate(managed, name, unique("group"))
    assert code(parameters.value) == "InvalidParameters"
    with pytest.raises(ClientError) as absent:
        associate(managed, "absent-document", unique("group"))
    assert code(absent.value) == "InvalidDocument"
    with pytest.raises(ClientError) as nowhere:
        managed.client("ssm").create_association(Name=name, Parameters={"Word": ["x"]})
    assert code(nowhere.value) == "InvalidTarget"
    location = {"S3Location": {"OutputS3BucketName": "bucket"}}
    with pytest.raises(ClientError) as stored:
        associate(managed, name, unique("group"), Parameters={"Word": ["x"]}, OutputLocation=location)
    assert "OutputLocation" in message(stored.value)


def test_the_same_association_twice_is_refused(managed: Managed) -> None:
    name, group = create(managed, step("true")), unique("group")
    associate(managed, name, group)
    with pytest.raises(ClientError) as refused:
        associate(managed, name, group)
    assert code(refused.value) == "AssociationAlreadyExists"


def test_an_update_is_a_new_version_that_runs(managed: Managed) -> None:
    group, ssm = unique("group"), managed.client("ssm")
    managed.host(group=group)
    identifier = associate(managed, create(managed, step("true")), group)
    succeeded(managed, identifier)
    changed = ssm.update_association(AssociationId=identifier, AssociationName="renamed")["AssociationDescription"]
    assert (changed["AssociationVersion"], changed["AssociationName"]) == ("2", "renamed")
    succeeded(managed, identifier, 2)


def test_a_document_with_an_association_cannot_be_deleted(managed: Managed) -> None:
    ssm, name = managed.client("ssm"), create(managed, step("true"))
    identifier = associate(managed, name, unique("group"))
    with pytest.raises(ClientError) as refused:
        ssm.delete_document(Name=name)
    assert code(refused.value) == "AssociatedInstances"
    ssm.delete_association(AssociationId=identifier)
    ssm.delete_document(Name=name)
    with pytest.raises(ClientError) as gone:
        ssm.describe_association(AssociationId=identifier)
    assert code(gone.value) == "AssociationDoesNotExist"


def test_associations_are_listed_by_name_and_status(managed: Managed) -> None:
    ssm, name = managed.client("ssm"), create(managed, step("true"))
    identifier = associate(managed, name, unique("group"))

    def found(key: str, value: str) -> list[str]:
        listed = ssm.list_associations(AssociationFilterList=[{"key": key, "value": value}])["Associations"]
        return [row["AssociationId"] for row in listed]

    assert found("Name", name) == [identifier]
    assert identifier in found("AssociationStatusName", "Pending")
    assert identifier not in found("AssociationStatusName", "Success")


def template(script: str, group: str, **more: Any) -> dict[str, Any]:
    properties = {
        "Name": {"Ref": "Document"},
        "AssociationName": unique("join"),
        "Targets": [{"Key": "tag:group", "Values": [group]}],
        **more,
    }
    return resources(
        Document=("AWS::SSM::Document", {"Content": document(step(script)), "UpdateMethod": "NewVersion"}),
        Association=("AWS::SSM::Association", properties),
    )


def test_cloudformation_creates_updates_and_deletes_an_association(managed: Managed) -> None:
    stack, group, ssm = unique("stack"), unique("group"), managed.client("ssm")
    managed.host(group=group)
    first = managed.deploy(template("true", group, WaitForSuccessTimeoutSeconds=30), stack)["Association"]
    assert overview(managed, first)["Status"] == "Success"
    second = managed.deploy(template("true", group, MaxErrors="0"), stack)["Association"]
    assert second == first
    found = ssm.describe_association(AssociationId=first)["AssociationDescription"]
    assert (found["AssociationVersion"], found["MaxErrors"]) == ("2", "0")
    assert managed.delete(stack) == "DELETE_COMPLETE"
    with pytest.raises(ClientError) as gone:
        ssm.describe_association(AssociationId=first)
    assert code(gone.value) == "AssociationDoesNotExist"


def test_a_stack_that_waits_for_an_association_fails_with_it(managed: Managed) -> None:
    group = unique("group")
    managed.host(group=group)
    with pytest.raises(AssertionError, match="failed on a node"):
        managed.deploy(template("exit 1", group, WaitForSuccessTimeoutSeconds=30))
