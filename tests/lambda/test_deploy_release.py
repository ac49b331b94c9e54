"""A release updates its stack once, and a failure names the first cause and the release that runs now."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_release import handler
from tests.support.fake_aws import Refused
from tests.support.fake_pipeline import CANARY, TRANSIENT, Action, call_again_within, in_a_row, played, spent

STACK = "production-allthrive-services"
STACK_ID = f"arn:aws:cloudformation:us-east-1:111122223333:stack/{STACK}/1"
OLD = "111122223333.dkr.ecr.us-east-1.amazonaws.com/allthrive/backend@sha256:" + "a" * 64
NEW = OLD.replace("a" * 64, "b" * 64)
RELEASE = {"BackendImage": NEW, "MigrationImage": NEW, "ReleaseVersion": "1.3.0"}
PARAMETERS: dict[str, Any] = {
    "stack": STACK,
    "parameters": RELEASE,
    "cluster": "production-allthrive-cluster",
    "counts": {"WebDesiredCount": {"service": "production-allthrive-web", "minimum": 2}},
}
EDGE = "production-allthrive-edge"
SITE: dict[str, Any] = {"SiteDomain": {"stack": EDGE, "output": "DistributionDomainName"}}
MIGRATION_ONLY: dict[str, Any] = {"stack": STACK, "parameters": {"MigrationImage": NEW}}


class Deployment(Action):
    """The action, with fakes of CloudFormation and ECS."""

    def __init__(self, parameters: dict[str, Any] | str | None = None) -> None:
        super().__init__(handler.main, parameters or PARAMETERS)
        self.stack = {"BackendImage": OLD, "MigrationImage": OLD, "ReleaseVersion": "1.2.0", "WebDesiredCount": "2"}
        self.before_update = dict(self.stack)
        self.stack_status = "UPDATE_COMPLETE"
        self.events: list[dict[str, str]] = []
        self.updates: list[dict[str, str]] = []
        self.tokens: set[str] = set()
        self.left = -1
        """How often the events of the update in progress are read before it ends; -1 without an update."""
        self.takes = 3
        """The value of `left` when an update starts."""
        self.ends = "UPDATE_COMPLETE"
        self.reason = "Web: ECS Deployment Circuit Breaker was triggered"
        self.running = 5
        self.edge = {"DistributionDomainName": "d1.cloudfront.net"}
        self._event("somebody", "old", STACK, "UPDATE_COMPLETE")
        self.on("cloudformation.DescribeStacks", self._stacks)
        self.on("cloudformation.DescribeStackEvents", self._events)
        self.on("cloudformation.UpdateStack", self._update)
        self.on("cloudformation.CancelUpdateStack", self._cancel)
        self.on("ecs.DescribeServices", self._services)

    def _event(self, token: str, key: str, name: str, status: str, reason: str = "") -> None:
        when = datetime.fromtimestamp(self.clock.time, UTC).isoformat()
        physical = STACK_ID if name == STACK else f"{name}-id"
        self.events.insert(
            0,
            {
                "StackId": STACK_ID,
                "EventId": f"{key}-{len(self.events)}",
                "StackName": STACK,
                "LogicalResourceId": name,
                "PhysicalResourceId": physical,
                "ResourceStatus": status,
                "Timestamp": when,
                "ClientRequestToken": token,
                **({"ResourceStatusReason": reason} if reason else {}),
            },
        )

    def _advance(self) -> None:
        """Brings the update in progress one step further: each time its events are read."""
        if self.left < 0:
            return
        self.left -= 1
        if self.left >= 0:
            return
        if self.ends == "UPDATE_COMPLETE":
            self._event(self.token_of_update, "u", "Web", "UPDATE_COMPLETE")
        else:
            self._event(self.token_of_update, "u", "Web", "UPDATE_FAILED", self.reason)
            self._event(self.token_of_update, "u", "Celery", "UPDATE_FAILED", "Resource update cancelled")
            self._event(self.token_of_update, "u", STACK, "UPDATE_ROLLBACK_IN_PROGRESS", "Web failed")
            self._event(self.token_of_update, "u", "Beat", "UPDATE_FAILED", "a consequence")
            self.stack = dict(self.before_update)
        self.stack_status = self.ends
        self._event(self.token_of_update, "u", STACK, self.ends)

    def _stacks(self, given: dict[str, Any]) -> str:
        if given["StackName"] == EDGE:
            return self._edge()
        parameters = "".join(
            f"<member><ParameterKey>{key}</ParameterKey><ParameterValue>{value}</ParameterValue></member>"
            for key, value in self.stack.items()
        )
        return (
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>"
            f"<StackName>{STACK}</StackName><StackStatus>{self.stack_status}</StackStatus>"
            f"<Parameters>{parameters}</Parameters>"
            "</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        )

    def _edge(self) -> str:
        outputs = "".join(
            f"<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
            for key, value in self.edge.items()
        )
        return (
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>"
            f"<StackName>{EDGE}</StackName><Outputs>{outputs}</Outputs>"
            "</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        )

    def _events(self, given: dict[str, Any]) -> str:
        if "NextToken" not in given:
            self._advance()
        start = int(given.get("NextToken", 0))
        page = self.events[start : start + 3]
        following = f"<NextToken>{start + 3}</NextToken>" if start + 3 < len(self.events) else ""
        members = "".join(
            "<member>" + "".join(f"<{key}>{value}</{key}>" for key, value in event.items()) + "</member>"
            for event in page
        )
        return (
            "<DescribeStackEventsResponse><DescribeStackEventsResult>"
            f"<StackEvents>{members}</StackEvents>{following}"
            "</DescribeStackEventsResult></DescribeStackEventsResponse>"
        )

    def _update(self, given: dict[str, Any]) -> str:
        assert given["UsePreviousTemplate"] == "true"
        token = given["ClientRequestToken"]
        if token in self.tokens:
            raise Refused("TokenAlreadyExistsException")
        if self.stack_status.endswith("_IN_PROGRESS"):
            raise Refused("ValidationError", f"Stack is in {self.stack_status} state and can not be updated.")
        wanted = dict(self.stack)
        for number in range(1, len(self.stack) + 1):
            key = given[f"Parameters.member.{number}.ParameterKey"]
            wanted[key] = given.get(f"Parameters.member.{number}.ParameterValue", self.stack[key])
        if wanted == self.stack:
            raise Refused("ValidationError", "No updates are to be performed.")
        self.tokens.add(token)
        self.updates.append(wanted)
        self.before_update, self.stack = dict(self.stack), wanted
        self.stack_status, self.left, self.token_of_update = "UPDATE_IN_PROGRESS", self.takes, token
        self._event(token, "u", STACK, "UPDATE_IN_PROGRESS", "User Initiated")
        return "<UpdateStackResponse><UpdateStackResult/></UpdateStackResponse>"

    def _cancel(self, given: dict[str, Any]) -> str:
        self.token_of_update = given["ClientRequestToken"]
        self.ends, self.left = "UPDATE_ROLLBACK_COMPLETE", 2
        return "<CancelUpdateStackResponse/>"

    def _services(self, _: dict[str, Any]) -> dict[str, Any]:
        service = {"serviceName": "production-allthrive-web", "status": "ACTIVE", "desiredCount": self.running}
        return {"services": [service], "failures": []}

    def somebody_updates(self, steps: int) -> None:
        """Starts an update that is not the action's and takes this many steps."""
        self.stack_status, self.left, self.token_of_update = "UPDATE_IN_PROGRESS", steps, "somebody"
        self._event("somebody", "s", STACK, "UPDATE_IN_PROGRESS")


@pytest.fixture(name="action")
def _action(monkeypatch: pytest.MonkeyPatch) -> Any:
    action = Deployment()
    with action.installed(monkeypatch):
        yield action


def replaced(action: Deployment, **changes: Any) -> Deployment:
    action.parameters = json.dumps({**PARAMETERS, **changes})
    return action


def test_a_release_changes_its_parameters_and_nothing_else(action: Deployment) -> None:
    action.run()

    assert (action.status, action.accepted) == ("Succeeded", 1)
    assert action.updates == [{**RELEASE, "WebDesiredCount": "5"}]
    assert "runs 1.3.0" in action.summary


@pytest.mark.parametrize(
    "image",
    [
        OLD,  # released before images were looked up by their commit's full name; no tag is read
        NEW.replace("allthrive/backend", "allthrive/branches/backend"),
    ],
)
def test_an_image_is_identified_by_its_digest_whatever_its_tags_and_repository(action: Deployment, image: str) -> None:
    action.stack |= dict.fromkeys(("BackendImage", "MigrationImage"), NEW)
    release = {"BackendImage": image, "MigrationImage": image, "ReleaseVersion": "1.1.0-abc1234"}

    replaced(action, parameters=release).run()

    assert (action.status, action.updates) == ("Succeeded", [{**release, "WebDesiredCount": "5"}])
    assert not [name for name in action.names() if name.startswith("ecr.")]


@pytest.mark.parametrize("parameters", [RELEASE, MIGRATION_ONLY["parameters"]])
def test_a_release_passes_the_sites_domain_name_in_the_same_update(
    action: Deployment, parameters: dict[str, str]
) -> None:
    action.stack |= {"SiteDomain": "unreleased"}

    replaced(action, parameters=parameters, outputs=SITE).run()

    assert (action.status, action.accepted) == ("Succeeded", 1)
    assert action.updates[0]["SiteDomain"] == "d1.cloudfront.net"


def test_a_release_without_the_stack_of_the_site_says_what_to_deploy(action: Deployment) -> None:
    action.stack |= {"SiteDomain": "unreleased"}
    action.edge = {}

    replaced(action, outputs=SITE).run()

    assert (action.status, action.updates) == ("Failed", [])
    assert f"{EDGE} has no output DistributionDomainName: deploy the infrastructure first" in action.message


def test_a_stack_that_does_not_know_the_site_yet_is_not_updated(action: Deployment) -> None:
    replaced(action, outputs=SITE).run()

    assert (action.status, action.updates) == ("Failed", [])
    assert f"{STACK} has no parameter SiteDomain" in action.message


def test_a_service_starts_with_no_fewer_tasks_than_its_minimum(action: Deployment) -> None:
    action.running = 0

    action.run()

    assert action.updates[0]["WebDesiredCount"] == "2"


def test_a_service_that_does_not_exist_yet_starts_with_its_minimum(action: Deployment) -> None:
    action.on("ecs.DescribeServices", lambda _: {"services": [], "failures": [{"reason": "MISSING"}]})

    action.run()

    assert action.updates[0]["WebDesiredCount"] == "2"


def test_before_a_deployment_only_the_migration_image_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Deployment(MIGRATION_ONLY)
    with action.installed(monkeypatch):
        action.run()

    assert action.status == "Succeeded"
    assert action.updates == [{**action.before_update, "MigrationImage": NEW}]


def test_a_stack_that_runs_the_release_already_is_a_success(action: Deployment) -> None:
    action.stack |= {**RELEASE, "WebDesiredCount": "5"}

    action.run()

    assert (action.status, action.updates) == ("Succeeded", [])


def test_a_failure_names_its_first_cause_and_the_release_that_runs_again(action: Deployment) -> None:
    action.ends = "UPDATE_ROLLBACK_COMPLETE"

    action.run()

    assert (action.status, action.accepted) == ("Failed", 1)
    assert action.message.startswith("Web: Web: ECS Deployment Circuit Breaker was triggered\n")
    assert "every service runs the old release again (1.2.0)" in action.message
    assert "cancelled" not in action.message


def test_a_rollback_that_fails_says_that_releases_may_be_mixed(action: Deployment) -> None:
    action.ends = "UPDATE_ROLLBACK_FAILED"

    action.run()

    assert "services may run different releases now" in action.message
    assert f"continue-update-rollback --stack-name {STACK}" in action.message


def test_an_update_of_somebody_else_is_waited_for(action: Deployment) -> None:
    action.somebody_updates(4)

    action.run()

    assert action.status == "Succeeded"
    assert len(action.updates) == 1


def test_an_update_of_somebody_else_that_never_ends_fails_at_the_deadline(action: Deployment) -> None:
    action.somebody_updates(10**6)

    action.run()

    assert (action.status, action.updates) == ("Failed", [])
    assert "another update is in progress; gave up 60 minutes after the start. Nothing was changed" in action.message


def test_an_update_of_somebody_else_that_begins_at_the_same_moment_is_waited_for(action: Deployment) -> None:
    def overtaken(name: str) -> None:
        if name == "cloudformation.UpdateStack" and action.stack_status == "UPDATE_COMPLETE" and not action.updates:
            action.before = None
            action.somebody_updates(2)

    action.before = overtaken

    action.run()

    assert (action.status, len(action.updates)) == ("Succeeded", 1)


def test_a_failed_update_of_somebody_else_does_not_count_as_ours(action: Deployment) -> None:
    action.somebody_updates(2)
    action.ends = "UPDATE_ROLLBACK_COMPLETE"
    action.every = 0
    update = action._update

    def succeed(given: dict[str, Any]) -> str:
        action.ends = "UPDATE_COMPLETE"
        return update(given)

    action.on("cloudformation.UpdateStack", succeed)

    assert action.run().status == "Succeeded"


def test_a_change_by_somebody_else_right_after_our_update_is_a_failure(action: Deployment) -> None:
    action.before = lambda name: (
        action.stack.update(BackendImage=OLD) if name.endswith("DescribeStacks") and len(action.events) > 3 else None
    )

    action.run()

    assert action.status == "Failed"
    assert "somebody changed it since: {'BackendImage'" in action.message


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_FAILED", "ROLLBACK_COMPLETE", "DELETE_FAILED"])
def test_a_stack_that_takes_no_update_is_refused(action: Deployment, status: str) -> None:
    action.stack_status = status

    action.run()

    assert (action.status, action.calls_made, action.updates) == ("Failed", 1, [])
    assert f"is {status} and cannot be updated" in action.message


def test_at_the_deadline_the_update_is_cancelled_and_its_rollback_is_waited_for(action: Deployment) -> None:
    action.takes = 10**6

    action.run()

    assert action.status == "Failed"
    assert "took longer than 60 minutes and was cancelled" in action.message
    assert "every service runs the old release again (1.2.0)" in action.message


def test_a_cancellation_that_is_refused_still_ends_in_a_failure(action: Deployment) -> None:
    action.takes = 10**6
    action.faults["cloudformation.CancelUpdateStack"] = ["denied"]

    action.run()

    assert (action.status, action.accepted) == ("Failed", 1)
    assert "could not be cancelled" in action.message
    assert action.names().count("cloudformation.CancelUpdateStack") == 1


def test_a_cancellation_that_fails_for_a_while_is_tried_again(action: Deployment) -> None:
    action.takes = 10**6
    action.faults["cloudformation.CancelUpdateStack"] = ["broken"] * 7

    action.run()

    assert "was cancelled" in action.message
    assert "every service runs the old release again" in action.message


def test_a_cancellation_that_always_fails_still_ends_in_a_failure(action: Deployment) -> None:
    action.takes = 10**6
    action.faults["cloudformation.CancelUpdateStack"] = ["broken"] * 10**4

    action.run()

    assert (action.status, action.accepted) == ("Failed", 1)
    assert action.clock.time - 1_800_000_000 < 5000


def test_a_rollback_that_never_ends_fails(action: Deployment) -> None:
    action.takes = 10**6
    action.on("cloudformation.CancelUpdateStack", lambda _: "<CancelUpdateStackResponse/>")

    action.run()

    assert "is still rolling back" in action.message


def test_an_accepted_update_without_any_event_fails(action: Deployment) -> None:
    action.on("cloudformation.UpdateStack", lambda _: "<UpdateStackResponse><UpdateStackResult/></UpdateStackResponse>")

    action.run()

    assert "lists no event" in action.message


def test_a_parameter_the_stack_does_not_have_is_refused(action: Deployment) -> None:
    del action.stack["MigrationImage"]

    action.run()

    assert "has no parameter MigrationImage: deploy the infrastructure first" in action.message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": {"BackendImage": "backend:latest"}}, "must name an image by digest"),
        (
            {"parameters": {"ReleaseVersion": "#{Build.VERSION}"}},
            "'parameters.ReleaseVersion' contains a variable that no",
        ),
        ({"parameters": {}}, "parameter 'parameters' is empty"),
        ({"stack": ""}, "parameter 'stack' must be a non-empty string"),
        ({"cluster": ""}, "parameter 'counts' needs 'cluster'"),
        ({"counts": {"WebDesiredCount": {"service": "web", "minimum": -1}}}, "'minimum' must be between 0 and 1000"),
        ({"deadline_minutes": "soon"}, "parameter 'deadline_minutes' must be a number, got 'soon'"),
        ({"imges": []}, "unknown parameter 'imges'"),
    ],
)
def test_a_wrong_parameter_is_named(action: Deployment, changes: dict[str, Any], message: str) -> None:
    replaced(action, **changes).run()

    assert (action.status, action.kind, action.updates) == ("Failed", "ConfigurationError", [])
    assert message in action.message


def test_constant_parameters_may_be_set_in_the_environment(action: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTINGS", json.dumps({key: value for key, value in PARAMETERS.items() if key != "parameters"}))
    action.parameters = json.dumps({"parameters": RELEASE})

    assert action.run().status == "Succeeded"


def test_another_account_is_reached_through_its_role(action: Deployment) -> None:
    credentials = "<AccessKeyId>other</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    action.on(
        "sts.AssumeRole",
        lambda _: (
            "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
            f"{credentials}<Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ),
    )

    replaced(action, role="arn:aws:iam::222233334444:role/deploy", region="eu-west-1").run()

    assert action.status == "Succeeded"
    assert next(given for name, given in action.calls if name == "sts.AssumeRole")["RoleArn"].endswith("role/deploy")


@pytest.mark.parametrize("operation", ["cloudformation.DescribeStackEvents", "cloudformation.UpdateStack"])
def test_a_missing_permission_fails_at_once_and_is_named(action: Deployment, operation: str) -> None:
    action.faults[operation] = ["denied"]

    action.run()

    assert (action.status, action.kind, action.calls_made) == ("Failed", "PermissionError", 1)
    assert operation.partition(".")[2] in action.message


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize(
    "operation",
    [
        "cloudformation.DescribeStacks",
        "cloudformation.DescribeStackEvents",
        "cloudformation.UpdateStack",
        "ecs.DescribeServices",
        "codepipeline.PutJobSuccessResult",
    ],
)
def test_a_transient_fault_changes_nothing(action: Deployment, operation: str, fault: str) -> None:
    action.faults[operation] = [fault, fault, None, fault, fault, fault, fault]

    action.run()

    assert (action.status, len(action.updates), action.accepted) == ("Succeeded", 1, 1)


def test_the_event_is_never_logged(action: Deployment, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    action.run()

    assert CANARY not in caplog.text


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60))
def test_any_user_parameters_get_exactly_one_answer(text: str) -> None:
    action = Deployment(text or "{")
    with played(action):
        action.run()
    assert (action.status, action.accepted, action.updates) == ("Failed", 1, [])


OPERATIONS = (
    "cloudformation.DescribeStacks",
    "cloudformation.DescribeStackEvents",
    "cloudformation.UpdateStack",
    "codepipeline.PutJobSuccessResult",
    "codepipeline.PutJobFailureResult",
)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_whatever_fails_the_stack_is_updated_once_and_success_means_it_has_the_release(data: st.DataObject) -> None:
    action = Deployment()
    faults = st.lists(st.none() | st.sampled_from(TRANSIENT), max_size=6)
    action.faults = {name: data.draw(faults, label=name) for name in OPERATIONS}
    longest = max(in_a_row(plan) for plan in action.faults.values())
    action.takes = data.draw(st.integers(0, 6), label="takes")
    action.ends = data.draw(st.sampled_from(["UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]), label="ends")
    action.duplicates = data.draw(st.dictionaries(st.integers(0, 4), st.integers(0, 3), max_size=3), label="duplicates")
    action.kills = data.draw(st.sets(st.integers(1, 12), max_size=2), label="killed after")
    action.same_job_id = data.draw(st.booleans(), label="same job id")
    nested = data.draw(st.none() | st.integers(0, 12), label="duplicate within request")
    with played(action):
        call_again_within(action, nested)
        action.run()

    assert len(action.updates) <= 1
    assert action.status != "Hung" or spent(action, longest)
    assert action.accepted == (action.status != "Hung")
    if action.status == "Succeeded":
        assert action.stack | RELEASE == action.stack
        assert action.ends == "UPDATE_COMPLETE"
    if longest <= 2:
        assert action.status == ("Succeeded" if action.ends == "UPDATE_COMPLETE" else "Failed")


# --- alarms that hold a release back ---------------------------------------------------------------------------------

PREFIX = "production-allthrive-observability-"
GATE = {"alarms": PREFIX, "pipeline": "allthrive-main", "run": "run-1"}


class Alarms:
    """Alarms of CloudWatch, and the kind of the run that asks about them."""

    def __init__(self, action: Deployment, *ringing: str, kind: str = "STANDARD") -> None:
        self.ringing, self.kind, self.muted, self.looks = list(ringing), kind, False, 0
        self.quiet_after: int | None = None
        """How often the alarms are seen ringing before they end."""
        action.on("cloudwatch.DescribeAlarms", self._describe)
        action.on("codepipeline.GetPipelineExecution", self._execution)

    def _describe(self, given: dict[str, Any]) -> dict[str, Any]:
        assert (given["AlarmNamePrefix"], given["StateValue"]) == (PREFIX, "ALARM")
        self.looks += 1
        if self.quiet_after is not None and self.looks > self.quiet_after:
            return {"MetricAlarms": []}
        return {
            "MetricAlarms": [
                {"AlarmName": f"{PREFIX}{name}", "StateReason": "31 errors", "ActionsEnabled": not self.muted}
                for name in self.ringing
            ]
        }

    def _execution(self, given: dict[str, Any]) -> dict[str, Any]:
        assert given == {"pipelineName": "allthrive-main", "pipelineExecutionId": "run-1"}
        return {"pipelineExecution": {"executionType": self.kind}}


def test_a_release_waits_until_no_alarm_rings(action: Deployment) -> None:
    replaced(action, **GATE)
    alarms = Alarms(action, "RequestsFail")
    alarms.quiet_after = 3

    action.run()

    assert (action.status, len(action.updates), alarms.looks) == ("Succeeded", 1, 4)


def test_after_five_minutes_of_ringing_a_release_fails_and_has_changed_nothing(action: Deployment) -> None:
    replaced(action, **GATE)
    Alarms(action, "RequestsFail", "CeleryRunsTooFewTasks")

    action.run()

    assert (action.status, action.updates) == ("Failed", [])
    assert "2 ringing alarms, so nothing was changed" in action.message
    assert "RequestsFail: 31 errors" in action.message
    mute = f"disable-alarm-actions --alarm-names {PREFIX}RequestsFail {PREFIX}CeleryRunsTooFewTasks"
    assert mute in action.message


def test_alarms_whose_actions_a_person_has_switched_off_hold_nothing_back(action: Deployment) -> None:
    replaced(action, **GATE)
    Alarms(action, "RequestsFail").muted = True

    action.run()

    assert action.status == "Succeeded"


def test_alarms_do_not_hold_a_rollback_back(action: Deployment) -> None:
    replaced(action, **GATE)
    Alarms(action, "RequestsFail", kind="ROLLBACK")

    action.run()

    assert action.status == "Succeeded"


def test_alarms_do_not_hold_the_first_release_back(action: Deployment) -> None:
    replaced(action, **GATE)
    action.stack |= {"BackendImage": "unreleased", "MigrationImage": "unreleased", "ReleaseVersion": "unreleased"}
    Alarms(action, "WebRunsTooFewTasks")

    action.run()

    assert action.status == "Succeeded"


def test_an_alarm_that_the_release_itself_causes_does_not_stop_it_halfway(action: Deployment) -> None:
    replaced(action, **GATE)
    alarms = Alarms(action)

    def ring(_: str) -> None:
        if action.updates:
            alarms.ringing.append("WebHasUnhealthyTasks")

    action.before = ring
    action.run()

    assert (action.status, action.stack["ReleaseVersion"]) == ("Succeeded", "1.3.0")
