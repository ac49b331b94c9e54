"""A release updates its stack once, and a failure names the first cause and the release that runs now."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fake_pipeline import CANARY, TRANSIENT, call_again_within, in_a_row, played, spent
from tests.support.fake_stack import EDGE, MIGRATION_ONLY, NEW, OLD, PARAMETERS, RELEASE, SITE, STACK, Deployment


@pytest.fixture(name="action")
def _action(monkeypatch: pytest.MonkeyPatch) -> Any:
    action = Deployment()
    with action.installed(monkeypatch):
        yield action


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

    action.replace(parameters=release).run()

    assert (action.status, action.updates) == ("Succeeded", [{**release, "WebDesiredCount": "5"}])
    assert not [name for name in action.names() if name.startswith("ecr.")]


@pytest.mark.parametrize("parameters", [RELEASE, MIGRATION_ONLY["parameters"]])
def test_a_release_passes_the_sites_domain_name_in_the_same_update(
    action: Deployment, parameters: dict[str, str]
) -> None:
    action.stack |= {"SiteDomain": "unreleased"}

    action.replace(parameters=parameters, outputs=SITE).run()

    assert (action.status, action.accepted) == ("Succeeded", 1)
    assert action.updates[0]["SiteDomain"] == "d1.cloudfront.net"


def test_a_release_without_the_stack_of_the_site_says_what_to_deploy(action: Deployment) -> None:
    action.stack |= {"SiteDomain": "unreleased"}
    action.edge = {}

    action.replace(outputs=SITE).run()

    assert (action.status, action.updates) == ("Failed", [])
    assert f"{EDGE} has no output DistributionDomainName: deploy the infrastructure first" in action.message


def test_a_stack_that_does_not_know_the_site_yet_is_not_updated(action: Deployment) -> None:
    action.replace(outputs=SITE).run()

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
    action.replace(**changes).run()

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

    action.replace(role="arn:aws:iam::222233334444:role/deploy", region="eu-west-1").run()

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
