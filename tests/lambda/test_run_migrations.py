"""An action runs one migration task, whatever happens to requests, responses, events and the task itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from run_migrations import handler
from tests.support.fake_aws import Refused
from tests.support.fake_pipeline import CANARY, TRANSIENT, Action, call_again_within, in_a_row, played, spent

DIGEST = "sha256:" + "a" * 64
IMAGE = f"111122223333.dkr.ecr.us-east-1.amazonaws.com/allthrive/backend@{DIGEST}"
STACK = "production-allthrive-services"
CLUSTER = "production-allthrive-cluster"
OUTPUTS = {
    "ClusterName": CLUSTER,
    "MigrationTaskDefinition": "arn:aws:ecs:us-east-1:111122223333:task-definition/production-allthrive-migrate:7",
    "MigrationSubnets": "subnet-1,subnet-2",
    "MigrationSecurityGroup": "sg-1",
}


class Migration(Action):
    """The action, with fakes of ECS, CloudFormation and CloudWatch Logs."""

    def __init__(self, parameters: dict[str, Any] | str | None = None) -> None:
        super().__init__(handler.main, parameters or {"stack": STACK, "image": IMAGE})
        self.outputs = dict(OUTPUTS)
        self.image = IMAGE
        self.tasks: dict[str, dict[str, Any]] = {}
        """The task of each client token: ECS returns the same one for a day."""
        self.started = 0
        self.refusals: list[str] = []
        """Reasons that RunTask gives instead of a task, one per call; with `!` it raises."""
        self.unknown = 0
        """The number of answers of DescribeTasks that do not list the task yet."""
        self.runs_for = 3
        """The number of answers of DescribeTasks that show the task before it stops."""
        self.codes: dict[str, int | None] = {"migrate": 0}
        self.stop_code: str | None = "EssentialContainerExited"
        self.essential = {"migrate": True}
        self.log = [f"line {number}" for number in range(50)]
        self.on("cloudformation.DescribeStacks", self._stacks)
        self.on("ecs.DescribeTaskDefinition", self._definition)
        self.on("ecs.RunTask", self._run)
        self.on("ecs.DescribeTasks", self._describe)
        self.on("ecs.StopTask", self._stop)
        self.on("ecs.ListTasks", lambda _: {"taskArns": [task["taskArn"] for task in self.tasks.values()]})
        self.on("cloudwatchlogs.GetLogEvents", self._log)

    def _stacks(self, given: dict[str, Any]) -> str:
        assert given["StackName"] == STACK
        outputs = "".join(
            f"<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
            for key, value in self.outputs.items()
        )
        return (
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>"
            f"<StackName>{STACK}</StackName><Outputs>{outputs}</Outputs>"
            "</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        )

    def _definition(self, given: dict[str, Any]) -> dict[str, Any]:
        assert given["taskDefinition"] == OUTPUTS["MigrationTaskDefinition"]
        options = {"awslogs-group": "/ecs/production-allthrive-migrate", "awslogs-stream-prefix": "migrate"}
        return {
            "taskDefinition": {
                "containerDefinitions": [
                    {
                        "name": name,
                        "image": self.image,
                        "essential": essential,
                        "logConfiguration": {"options": options},
                    }
                    for name, essential in self.essential.items()
                ]
            }
        }

    def _run(self, given: dict[str, Any]) -> dict[str, Any]:
        token = given["clientToken"]
        assert 1 <= len(token) <= 64
        if token in self.tasks:
            return {"tasks": [self.tasks[token]], "failures": []}
        if self.refusals:
            reason = self.refusals.pop(0)
            if reason.startswith("!"):
                raise Refused("ClientException", reason[1:])
            return {"tasks": [], "failures": [{"arn": "x", "reason": reason}] if reason else []}
        self.started += 1
        arn = f"arn:aws:ecs:us-east-1:111122223333:task/{CLUSTER}/{self.started:032x}"
        self.tasks[token] = {"taskArn": arn, "lastStatus": "PENDING", "taskDefinitionArn": given["taskDefinition"]}
        return {"tasks": [self.tasks[token]], "failures": []}

    def _describe(self, given: dict[str, Any]) -> dict[str, Any]:
        if self.unknown > 0:
            self.unknown -= 1
            return {"tasks": [], "failures": [{"arn": given["tasks"][0], "reason": "MISSING"}]}
        task = next(task for task in self.tasks.values() if task["taskArn"] == given["tasks"][0])
        self.runs_for -= 1
        if self.runs_for < 0 and task["lastStatus"] != "STOPPED":
            containers = [
                {"name": name, **({"exitCode": code} if code is not None else {"reason": "CannotPullContainerError"})}
                for name, code in self.codes.items()
            ]
            task |= {"lastStatus": "STOPPED", "stoppedReason": "Essential container exited", "containers": containers}
            if self.stop_code:
                task["stopCode"] = self.stop_code
        return {"tasks": [task], "failures": []}

    def _stop(self, given: dict[str, Any]) -> dict[str, Any]:
        task = next(task for task in self.tasks.values() if task["taskArn"] == given["task"])
        task |= {"lastStatus": "STOPPED", "stopCode": "UserInitiated", "containers": []}
        return {"task": task}

    def _log(self, given: dict[str, Any]) -> dict[str, Any]:
        assert given["logStreamName"] == f"migrate/migrate/{1:032x}"
        return {"events": [{"message": line} for line in self.log[-given["limit"] :]]}


@pytest.fixture(name="action")
def _action(monkeypatch: pytest.MonkeyPatch) -> Any:
    action = Migration()
    with action.installed(monkeypatch):
        yield action


def test_a_task_that_ends_with_0_lets_the_action_succeed(action: Migration) -> None:
    action.run()

    assert (action.status, action.started, action.accepted) == ("Succeeded", 1, 1)
    assert action.reference.endswith(f"{1:032x}")


def test_the_outputs_of_the_stack_name_the_task_definition_and_the_network(action: Migration) -> None:
    action.run()

    given = next(given for name, given in action.calls if name == "ecs.RunTask")
    assert given["cluster"] == CLUSTER
    assert given["taskDefinition"] == OUTPUTS["MigrationTaskDefinition"]
    assert given["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-1", "subnet-2"],
        "securityGroups": ["sg-1"],
        "assignPublicIp": "DISABLED",
    }


def test_a_stack_that_names_another_image_is_refused_before_anything_runs(action: Migration) -> None:
    action.image = IMAGE.replace("a" * 64, "b" * 64)

    action.run()

    assert (action.status, action.started) == ("Failed", 0)
    assert "deploy_release action must set MigrationImage before" in action.message


@pytest.mark.parametrize("code", [1, 137, 139])
def test_an_exit_code_other_than_0_fails_with_the_last_twenty_lines_of_the_log(action: Migration, code: int) -> None:
    action.codes = {"migrate": code}

    action.run()

    assert action.status == "Failed"
    assert f"migrate ended with {code}" in action.message
    assert "line 30\n" in action.message
    assert action.message.endswith("line 49")
    assert "line 29\n" not in action.message


def test_a_missing_exit_code_fails_with_the_reason_of_ecs(action: Migration) -> None:
    action.codes, action.stop_code = {"migrate": None}, "TaskFailedToStart"

    action.run()

    assert action.status == "Failed"
    assert "migrate ended with no exit code (CannotPullContainerError)" in action.message
    assert "TaskFailedToStart: Essential container exited" in action.message


@pytest.mark.parametrize("stop_code", ["EssentialContainerExited", None])
def test_a_missing_exit_code_never_counts_as_0(action: Migration, stop_code: str | None) -> None:
    action.codes, action.stop_code = {"migrate": None}, stop_code

    action.run()

    assert action.status == "Failed"
    assert "no exit code" in action.message


def test_a_task_without_containers_fails(action: Migration) -> None:
    action.codes = {}

    assert action.run().status == "Failed"


def test_an_essential_sidecar_must_end_with_0_too(action: Migration) -> None:
    action.essential = {"migrate": True, "proxy": True}
    action.codes = {"migrate": 0, "proxy": 1}

    action.run()

    assert action.status == "Failed"
    assert "proxy ended with 1" in action.message


def test_a_container_that_is_not_essential_may_exit_with_any_code(action: Migration) -> None:
    action.essential = {"migrate": True, "helper": False}
    action.codes = {"migrate": 0, "helper": 1}

    assert action.run().status == "Succeeded"


def test_a_task_that_somebody_stopped_fails_even_with_exit_code_0(action: Migration) -> None:
    action.stop_code = "UserInitiated"

    action.run()

    assert action.status == "Failed"
    assert "UserInitiated" in action.message


@pytest.mark.parametrize(
    "reason",
    [
        "RESOURCE:MEMORY",
        "RESOURCE:ENI",
        "AGENT",
        "Capacity is unavailable at this time",
        "",
        "!Capacity is unavailable",
    ],
)
def test_a_lack_of_capacity_is_waited_for(action: Migration, reason: str) -> None:
    action.refusals = [reason] * 3

    action.run()

    assert (action.status, action.started) == ("Succeeded", 1)


def test_capacity_that_never_comes_fails_with_the_reason(action: Migration) -> None:
    action.refusals = ["RESOURCE:MEMORY"] * 1000

    action.run()

    assert (action.status, action.started) == ("Failed", 0)
    assert "did not start within 10 minutes: RESOURCE:MEMORY" in action.message
    assert action.clock.time - 1_800_000_000 < 700


@pytest.mark.parametrize("reason", ["MISSING", "INACTIVE", "!The container is unhealthy", "LOCATION"])
def test_another_reason_not_to_start_fails_at_once(action: Migration, reason: str) -> None:
    action.refusals = [reason]

    action.run()

    assert (action.status, action.calls_made) == ("Failed", 1)
    assert reason.strip("!") in action.message


def test_a_task_that_ecs_does_not_list_yet_is_read_again(action: Migration) -> None:
    action.unknown = 3

    assert action.run().status == "Succeeded"


def test_a_task_that_ecs_never_lists_fails(action: Migration) -> None:
    action.unknown = 10**6

    action.run()

    assert action.status == "Failed"
    assert "MISSING" in action.message
    assert action.clock.time - 1_800_000_000 < 400


def test_at_the_deadline_the_task_is_stopped_and_the_action_fails(action: Migration) -> None:
    action.runs_for = 10**6

    action.run()

    assert action.status == "Failed"
    assert "gave up 35 minutes after the start. Stopped arn:aws:ecs" in action.message
    assert action.names().count("ecs.StopTask") == 1


def test_a_stop_that_is_refused_at_the_deadline_still_ends_in_a_failure(action: Migration) -> None:
    action.runs_for = 10**6
    action.faults["ecs.StopTask"] = ["denied"]

    action.run()

    assert (action.status, action.accepted) == ("Failed", 1)
    assert "Stopping what this action started failed" in action.message


def test_a_task_whose_start_was_never_confirmed_is_found_and_stopped_at_the_deadline(action: Migration) -> None:
    action.faults["ecs.RunTask"] = ["lost"] * 10**4

    action.run()

    assert (action.status, action.started) == ("Failed", 1)
    assert next(iter(action.tasks.values()))["lastStatus"] == "STOPPED"


def test_a_retried_stage_starts_a_new_task(action: Migration, monkeypatch: pytest.MonkeyPatch) -> None:
    action.run()
    again = Migration()
    again.tasks, again.started = action.tasks, action.started
    with again.installed(monkeypatch):
        again.run()

    assert (again.status, again.started) == ("Succeeded", 2)


def test_other_settings_under_the_same_client_token_are_a_failure_and_no_second_task(action: Migration) -> None:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise Refused("ConflictException", "other parameters")

    action.on("ecs.RunTask", refuse)

    action.run()

    assert "other settings" in action.message


@pytest.mark.parametrize("operation", ["cloudformation.DescribeStacks", "ecs.RunTask", "ecs.DescribeTasks"])
def test_a_missing_permission_fails_at_once_and_is_named(action: Migration, operation: str) -> None:
    action.faults[operation] = ["denied"]

    action.run()

    assert (action.status, action.kind, action.accepted) == ("Failed", "PermissionError", 1)
    assert operation.partition(".")[2] in action.message
    assert action.calls_made <= 2


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize(
    "operation",
    [
        "cloudformation.DescribeStacks",
        "ecs.DescribeTaskDefinition",
        "ecs.RunTask",
        "ecs.DescribeTasks",
        "codepipeline.PutJobSuccessResult",
    ],
)
def test_a_transient_fault_changes_nothing(action: Migration, operation: str, fault: str) -> None:
    action.faults[operation] = [fault, fault, None, fault, fault, fault, fault]

    action.run()

    assert (action.status, action.started, action.accepted) == ("Succeeded", 1, 1)


def test_a_log_that_cannot_be_read_does_not_hide_the_failure(action: Migration) -> None:
    action.codes = {"migrate": 1}
    action.faults["cloudwatchlogs.GetLogEvents"] = ["denied"]

    action.run()

    assert "migrate ended with 1" in action.message
    assert "cannot be read" in action.message


def test_a_long_log_is_shortened_and_keeps_its_beginning_and_end(action: Migration) -> None:
    action.codes = {"migrate": 1}
    action.log = ["x" * 2000] * 19 + ["the reason"]

    action.run()

    assert action.status == "Failed"
    assert action.message.startswith("migrations failed: migrate ended with 1")
    assert action.message.endswith("the reason")


def test_a_stack_without_migrations_says_what_to_deploy(action: Migration) -> None:
    del action.outputs["MigrationTaskDefinition"]

    action.run()

    assert (action.kind, action.status) == ("ConfigurationError", "Failed")
    assert "has no output MigrationTaskDefinition" in action.message


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_user_parameters_get_exactly_one_answer(text: str) -> None:
    action = Migration(text or "{")
    with played(action):
        action.run()
    assert (action.status, action.accepted, action.started) == ("Failed", 1, 0)


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["stack", "image", "region", "deadline_minutes"]), st.none() | st.integers() | st.text()
    )
)
def test_any_values_get_exactly_one_answer(values: dict[str, Any]) -> None:
    action = Migration(json.dumps(values))
    action.on("cloudformation.DescribeStacks", lambda _: _refuse())
    with played(action):
        action.run()
    assert (action.status, action.accepted, action.started) == ("Failed", 1, 0)


def _refuse() -> str:
    raise Refused("ValidationError", "Stack does not exist")


FAULTS = st.lists(st.none() | st.sampled_from(TRANSIENT), max_size=8)
OPERATIONS = (
    "ecs.RunTask",
    "ecs.DescribeTasks",
    "codepipeline.PutJobSuccessResult",
    "codepipeline.PutJobFailureResult",
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_fails_there_is_one_task_one_answer_and_no_success_without_exit_code_0(data: st.DataObject) -> None:
    action = Migration()
    action.faults = {name: list(data.draw(FAULTS, label=name)) for name in OPERATIONS}
    longest = max(in_a_row(plan) for plan in action.faults.values())
    action.refusals = data.draw(
        st.lists(st.sampled_from(["RESOURCE:MEMORY", "AGENT", ""]), max_size=3), label="refusals"
    )
    action.unknown = data.draw(st.integers(0, 3), label="unknown")
    action.runs_for = data.draw(st.integers(0, 5), label="runs for")
    code = data.draw(st.sampled_from([0, 0, 1, 137, None]), label="exit code")
    action.codes = {"migrate": code}
    action.duplicates = data.draw(st.dictionaries(st.integers(0, 4), st.integers(0, 3), max_size=3), label="duplicates")
    action.kills = data.draw(st.sets(st.integers(1, 12), max_size=2), label="killed after")
    action.same_job_id = data.draw(st.booleans(), label="same job id")
    nested = data.draw(st.none() | st.integers(0, 12), label="duplicate within request")
    with played(action):
        call_again_within(action, nested)
        action.run()

    assert action.started <= 1
    assert action.accepted == (action.status != "Hung")
    if action.status == "Succeeded":
        assert code == 0
        assert action.started == 1
    # A call makes three attempts and Lambda calls three times per event, so two faults in a row never use up an event.
    if longest <= 2:
        assert action.status == ("Succeeded" if code == 0 else "Failed")
    assert action.status != "Hung" or spent(action, longest)


def test_the_event_is_never_logged(action: Migration, caplog: pytest.LogCaptureFixture, capsys: Any) -> None:
    caplog.set_level("DEBUG")
    action.faults["ecs.RunTask"] = ["throttled"] * 4
    action.codes = {"migrate": 1}

    action.run()

    printed = capsys.readouterr()
    assert CANARY not in caplog.text + printed.out + printed.err
    assert CANARY not in json.dumps(action.calls, default=str)
