"""The console's model follows from CodePipeline's answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway_cli.console import view
from slipway_cli.runs import Entry, Run
from tests.slipway_cli.console.account import PIPELINE, Account, checked

Json = dict[str, Any]
START = datetime(2026, 1, 1, tzinfo=UTC)
ID = "0000000a-0000-4000-8000-00000000000a"


def declared(*stages: tuple[str, list[list[str]]]) -> Json:
    kind = {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"}
    made = [
        {
            "name": name,
            "actions": [
                {"name": action, "runOrder": order, "actionTypeId": kind}
                for order, row in enumerate(rows, 1)
                for action in row
            ],
        }
        for name, rows in stages
    ]
    declaration = {"name": "p", "roleArn": "arn:aws:iam::111122223333:role/p", "stages": made}
    found: Json = checked("codepipeline", "GetPipeline", {"pipeline": declaration})["pipeline"]
    return found


def row(stage: str, action: str, status: str = "Succeeded", at: float = 0, lasts: float = 10, **more: Any) -> Json:
    category = more.pop("category", "Build")
    made = {
        "pipelineExecutionId": ID,
        "actionExecutionId": f"{stage}-{action}-{at}",
        "stageName": stage,
        "actionName": action,
        "status": status,
        "startTime": START + timedelta(seconds=at),
        "lastUpdateTime": START + timedelta(seconds=at + lasts),
        "input": {"actionTypeId": {"category": category, "owner": "AWS", "provider": "Any", "version": "1"}},
        **more,
    }
    checked("codepipeline", "ListActionExecutions", {"actionExecutionDetails": [made]})
    return made


def run(rows: list[Json], declaration: Json | None = None, status: str = "InProgress", **more: Any) -> Run:
    entry = {"pipelineExecutionId": ID, "status": status, "startTime": START, **more.pop("entry", {})}
    entry.setdefault("lastUpdateTime", START + timedelta(seconds=100))
    checked("codepipeline", "ListPipelineExecutions", {"pipelineExecutionSummaries": [entry]})
    return Run.of(Entry.of(entry), rows, pipeline="p", declaration=declaration, **more)


def test_actions_of_one_run_order_stand_side_by_side_as_declared() -> None:
    found = run([row("Test", "Lint")], declared(("Test", [["Unit", "Lint"], ["Browser"]])))
    assert [[each.name for each in side] for side in view.rows(found.stages[0])] == [["Unit", "Lint"], ["Browser"]]
    assert [each.state for each in found.actions] == ["NotStarted", "Succeeded", "NotStarted"]


def test_a_stage_between_two_actions_is_in_progress() -> None:
    declaration = declared(("Test", [["Unit"], ["Browser"]]), ("Publish", [["Image"]]))
    assert [stage.state for stage in run([row("Test", "Unit")], declaration).stages] == ["InProgress", "NotStarted"]


def test_a_stage_is_as_its_worst_action() -> None:
    rows = [row("Test", "Unit", "Failed"), row("Test", "Lint"), row("Test", "Seo", "InProgress")]
    assert run(rows).stages[0].state == "Failed"


def test_what_ran_and_is_no_longer_declared_comes_last() -> None:
    found = run([row("Old", "Gone"), row("Test", "Unit")], declared(("Test", [["Unit"]])))
    assert [stage.name for stage in found.stages] == ["Test", "Old"]


def test_of_an_action_tried_again_the_newest_attempt_counts_and_the_others_are_kept() -> None:
    found = run([row("Test", "Unit", "InProgress", at=50), row("Test", "Unit", "Failed")])
    assert [each.status for each in found.actions[0].attempts] == ["Failed", "InProgress"]
    assert found.actions[0].state == "InProgress"


def test_a_run_that_does_nothing_but_wait_for_a_person_says_so() -> None:
    waits = row("Approve", "Ask", "InProgress", category="Approval")
    assert run([waits]).state == "Waiting"
    assert run([waits, row("Approve", "Other", "InProgress")]).state == "InProgress"
    assert run([waits], status="Stopping").state == "Stopping"


def test_a_rollback_shows_the_stage_it_takes_back_and_nothing_else() -> None:
    entry = {"executionType": "ROLLBACK", "rollbackMetadata": {"rollbackTargetPipelineExecutionId": ID}}
    declaration = declared(("Test", [["Unit"]]), ("Staging", [["Deploy"]]))
    assert [stage.name for stage in run([row("Staging", "Deploy")], declaration, entry=entry).stages] == ["Staging"]


def test_before_its_source_has_ended_a_run_is_known_by_its_trigger() -> None:
    detail = {"branch-name": "feature/x", "commit-id": "c" * 40, "commit-message": "Try\n\nit", "pull-request-id": "7"}
    found = run([], trigger={"triggerType": "WebhookV2", "triggerDetail": json.dumps(detail)})
    assert (view.branch(found), found.commit, found.message) == ("pull request 7: feature/x", "c" * 40, "Try")


@pytest.mark.parametrize("detail", ["arn:aws:iam::111122223333:user/ada", "", "[]", "null", '"x"'])
def test_a_trigger_that_tells_nothing_of_a_commit_is_no_fault(detail: str) -> None:
    found = run([], trigger={"triggerType": "StartPipelineExecution", "triggerDetail": detail})
    assert view.branch(found) == ""


def test_a_run_of_which_nothing_is_known_is_shown_all_the_same() -> None:
    found = Run.of(Entry.of({"pipelineExecutionId": ID}), [{}])
    assert (found.state, found.actions[0].label, found.failed) == ("unknown", "?/?", ())


def test_what_an_action_told_first_counts_and_more_than_the_trigger() -> None:
    first: Json = {"output": {"outputVariables": {"CommitMessage": "first", "Url": ""}}}
    later: Json = {"output": {"outputVariables": {"CommitMessage": "later", "Url": "u"}}}
    trigger = {"triggerType": "WebhookV2", "triggerDetail": json.dumps({"commit-message": "trigger"})}
    found = run([row("B", "Two", at=5, **later), row("A", "One", **first)], trigger=trigger)
    assert (found.message, found.facts["Url"]) == ("first", "u")


def test_of_an_action_tried_again_the_newest_attempt_that_told_something_is_believed() -> None:
    def exported(**variables: str) -> Json:
        return {"output": {"outputVariables": variables}}

    rows = [
        row("Publish", "Image", "Failed", **exported(RELEASE_TAG="v1.0.0", Url="u")),
        row("Test", "Unit", at=5),
        row("Publish", "Image", at=20, **exported(RELEASE_TAG="v1.0.1")),
    ]
    found = run(rows)
    assert [step.name for step in found.steps] == ["Publish/Image", "Test/Unit"]
    assert (found.tag, found.fact("Url")) == ("v1.0.1", "u")


def test_addresses_and_release_come_from_what_actions_told() -> None:
    variables: Json = {"output": {"outputVariables": {"Url": "https://staging.example"}}}
    odd: Json = {"output": {"outputVariables": {"Url": "javascript:alert(1)"}}}
    page: Json = {"output": {"executionResult": {"externalExecutionId": "https://github.example/a/b/releases/tag/v1"}}}
    found = run([row("Staging", "Verify", **variables), row("Odd", "Verify", **odd), row("Release", "GitHub", **page)])
    assert view.environments(found) == (("Staging", "https://staging.example"),)
    assert view.release_page(found) == "https://github.example/a/b/releases/tag/v1"


def test_a_failed_stage_is_retryable_until_a_newer_run_is_in_it(account: Account) -> None:
    failed = account.run("main", 1, "Failed", at="Staging")

    def retryable() -> list[str]:
        state = account._state({"name": PIPELINE})
        steps = [{**each, "startTime": START, "lastUpdateTime": START} for each in failed.steps]
        entry = Entry.of({"pipelineExecutionId": failed.id, "status": "Failed"})
        found = Run.of(entry, steps, pipeline=PIPELINE, state=state)
        return [stage.name for stage in found.stages if stage.retryable]

    assert retryable() == ["Staging"]
    account.run("main", 2, "InProgress", at="Staging")
    assert retryable() == []


# --- time ------------------------------------------------------------------------------------------------------------


def test_the_critical_path_takes_the_longest_of_what_ran_side_by_side_and_leaves_people_out() -> None:
    rows = [
        row("Test", "Unit", lasts=30),
        row("Test", "Lint", lasts=10),
        row("Approve", "Ask", at=30, lasts=40, category="Approval"),
        row("Deploy", "It", at=75, lasts=20),
    ]
    declaration = declared(("Test", [["Unit", "Lint"]]))
    found = view.spent(run(rows, declaration, status="Succeeded"), START)
    assert (found.total, found.critical, found.sequential, found.waited, found.between) == (100, 50, 60, 40, 10)
    assert [bar.action.name for bar in found.bars if bar.critical] == ["Unit", "Ask", "It"]
    assert [bar.offset for bar in found.bars] == [0, 0, 30, 35]
    assert found.axis == 60
    assert found.slowest is not None
    assert found.slowest.action.name == "Unit"


def test_a_run_in_progress_counts_to_the_present() -> None:
    now = START + timedelta(seconds=7)
    found = view.spent(run([row("Test", "Unit", "InProgress")]), now)
    assert (found.total, found.bars[0].seconds) == (7, 7)
