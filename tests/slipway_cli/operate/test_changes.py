"""Start, follow, retry and stop: each does one thing, or says why not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.slipway_cli.operate.playing import given, play
from tests.support.fake_aws import Refused
from tests.support.fake_codepipeline import FakeCodePipeline, FakeRun, commit_of, run_id

COMMIT = "a" * 40
Prepare = Callable[[FakeCodePipeline], object]


def test_a_start_says_the_run_and_how_to_follow_it(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1)
    played = play("start", "main")
    assert played.code == 0
    assert run_id(2) in played.out
    assert "Next: slipway follow main --run 00000002" in played.out
    assert "sourceRevisions" not in given(cloud, "StartPipelineExecution")[0]


def test_a_start_of_a_commit_names_it_to_the_source_action(cloud: FakeCodePipeline) -> None:
    assert play("start", "main", "--commit", COMMIT).code == 0
    (request,) = given(cloud, "StartPipelineExecution")
    assert request["sourceRevisions"] == [
        {"actionName": "GitHub", "revisionType": "COMMIT_ID", "revisionValue": COMMIT},
    ]


@pytest.mark.parametrize("commit", ["abc1234", "main", "A" * 40, "-rf"])
def test_what_is_no_whole_commit_is_refused(cloud: FakeCodePipeline, commit: str) -> None:
    played = play("start", "main", f"--commit={commit}")
    assert played.code == 2
    assert "git rev-parse" in played.err
    assert given(cloud, "StartPipelineExecution") == []


@pytest.mark.parametrize(("flow", "noted"), [("main", False), ("feature", True), ("pull-request", False)])
def test_a_start_by_hand_says_when_the_branch_is_not_the_flows_own(
    cloud: FakeCodePipeline, flow: str, noted: bool
) -> None:
    assert ("note: CodePipeline takes 'main'" in play("start", flow).out) is noted


def ends(cloud: FakeCodePipeline, status: str, stage: str) -> Callable[[], None]:
    """The run that was started last ends so."""

    def end() -> None:
        run = cloud.flow("main").runs.pop()
        cloud.run("main", run.number, status, at="" if status == "Succeeded" else stage)

    return end


def test_following_says_each_change_until_the_end(cloud: FakeCodePipeline) -> None:
    cloud.ticks = [lambda: None, ends(cloud, "Succeeded", "")]

    played = play("start", "main", "--follow")

    assert played.code == 0, played.err
    assert played.out.count("Source/GitHub InProgress") == 1
    for text in ("Source/GitHub Succeeded after 9 s", "Production/Deploy Succeeded", "v1.1.0-0000001 Succeeded"):
        assert text in played.out


def test_a_failure_ends_in_one_paragraph_of_what_why_and_what_to_do(cloud: FakeCodePipeline) -> None:
    cloud.ticks = [ends(cloud, "Failed", "Production")]

    played = play("start", "main", "--follow")

    assert played.code == 1
    (paragraph,) = played.err.strip().splitlines()
    for text in (
        "allthrive-main v1.1.0-0000001 ended Failed: Production/Deploy failed: exit code 1",
        "log: https://console.aws.amazon.com/codebuild/1",
        "takes Production back to the last run that succeeded in it",
        "What to do: push a fix, or",
        f"executions/{run_id(1)}/",
    ):
        assert text in paragraph


@pytest.mark.parametrize("status", ["Superseded", "Stopped", "Cancelled"])
def test_a_run_that_was_ended_by_others_says_so(cloud: FakeCodePipeline, status: str) -> None:
    def end() -> None:
        run = cloud.flow("main").runs[-1]
        run.status, run.summary = status, "a newer one came"
        run.steps.clear()

    cloud.ticks = [end]
    played = play("start", "main", "--follow")
    assert played.code == 1
    assert status.lower() in played.err.lower()
    assert "next: slipway" in played.err


def test_following_outlives_faults_that_pass_and_a_list_that_is_late(cloud: FakeCodePipeline) -> None:
    cloud.ticks = [lambda: None] * 9 + [ends(cloud, "Succeeded", "")]
    late: list[str | None] = ["throttled", "broken", "closed", "lost"]
    cloud.faults["codepipeline.GetPipelineExecution"] = [*late * 3, None, None]
    assert play("start", "main", "--follow").code == 0


def test_a_new_run_may_not_be_known_at_once(cloud: FakeCodePipeline) -> None:
    cloud.ticks = [lambda: None, ends(cloud, "Succeeded", "")]
    known, requests = cloud.handlers["codepipeline.GetPipelineExecution"], []

    def late(body: dict[str, str]) -> dict[str, object] | str | bytes:
        requests.append(body)
        if len(requests) == 1:
            raise Refused("PipelineExecutionNotFoundException", "not yet")
        return known(body)

    cloud.on("codepipeline.GetPipelineExecution", late)
    assert play("start", "main", "--follow").code == 0


def test_following_gives_up_when_aws_stays_silent(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1, "InProgress", at="Test")
    cloud.faults["codepipeline.GetPipelineExecution"] = ["closed"] * 2000
    played = play("follow", "main")
    assert played.code == 1
    assert "AWS does not answer" in played.err


def test_following_says_what_a_run_waits_for(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1, "InProgress", at="Staging")
    second = cloud.run("main", 2, "InProgress", at="Publish")
    second.step("Publish")["status"] = "Succeeded"
    cloud.flow("main").queued["Staging"] = [second.id]
    cloud.ticks = [lambda: None, lambda: None, ends(cloud, "Succeeded", "")]

    played = play("follow", "main")

    assert played.out.count("waits to enter Staging: run 00000001 is in it") == 1


def test_following_says_that_a_person_must_decide(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1, "InProgress", at="Approval")
    cloud.ticks = [ends(cloud, "Succeeded", "")]
    assert "waits for a person: May 1.1.0-0000001 enter production? slipway approve main" in play("follow", "main").out


def test_following_nothing_is_refused(cloud: FakeCodePipeline) -> None:
    assert "it has never run" in play("follow", "main").err
    cloud.run("main", 1)
    assert "no run of allthrive-main begins with ffff" in play("follow", "main", "--run", "ffff").err


# --- retry -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_the_failed_stage_of_the_newest_run_is_retried(cloud: FakeCodePipeline, status: str) -> None:
    cloud.run("main", 1, "Failed", at="E2E")
    cloud.run("main", 2, status, at="Test")

    played = play("retry")

    assert played.code == 0, played.err
    (request,) = given(cloud, "RetryStageExecution")
    assert request == {
        "pipelineName": "allthrive-main",
        "stageName": "Test",
        "pipelineExecutionId": run_id(2),
        "retryMode": "FAILED_ACTIONS",
    }


def taken_back(cloud: FakeCodePipeline) -> None:
    good = cloud.run("main", 1)
    cloud.run("main", 2, "Failed", at="Production")
    cloud.rolled_back("main", 3, "Production", good)


def rollback_failed(cloud: FakeCodePipeline) -> None:
    good = cloud.run("main", 1)
    cloud.rolled_back("main", 2, "Production", good, status="Failed")


def both_failed(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1, "Failed", at="Test")
    cloud.run("feature", 1, "Failed", at="Test")


def overtaken(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1, "Failed", at="Test")
    cloud.run("main", 2, "InProgress", at="Test")


def changed(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1, "Failed", at="Test", structure=6)


NOT_RETRIED: dict[str, tuple[Prepare, list[str]]] = {
    "nothing ran": (lambda _: None, ["nothing to retry", "slipway status"]),
    "the newest succeeded": (
        lambda cloud: (cloud.run("main", 1, "Failed", at="Test"), cloud.run("main", 2)),
        ["nothing to retry"],
    ),
    "taken back": (taken_back, ["a rollback has taken it back", f"slipway start main --commit {commit_of(2)}"]),
    "a rollback failed": (rollback_failed, ["it is a rollback", "slipway rollback production --to RELEASE"]),
    "several failed": (both_failed, ["2 pipelines have failed", "slipway retry feature or slipway retry main"]),
    "overtaken": (overtaken, ["a newer run has entered it", "slipway start main"]),
    "the pipeline has changed": (changed, ["the pipeline has changed", "slipway start main"]),
}


@pytest.mark.parametrize("situation", NOT_RETRIED)
def test_what_cannot_be_retried_is_refused_with_the_way_on(cloud: FakeCodePipeline, situation: str) -> None:
    prepare, expected = NOT_RETRIED[situation]
    prepare(cloud)
    played = play("retry")
    assert played.code == 1
    assert [text for text in expected if text not in played.err] == [], played.err
    assert given(cloud, "RetryStageExecution") == []


@pytest.mark.parametrize("error", ["StageNotRetryableException", "NotLatestPipelineExecutionException"])
def test_a_refusal_of_codepipeline_itself_is_explained(cloud: FakeCodePipeline, error: str) -> None:
    cloud.run("main", 1, "Failed", at="Test")

    def refuse(_: dict[str, object]) -> dict[str, object]:
        raise Refused(error, "the state has changed")

    cloud.on("codepipeline.RetryStageExecution", refuse)
    played = play("retry")
    assert "does not retry Test of run 00000001: the state has changed" in played.err
    assert f"slipway start main --commit {commit_of(1)}" in played.err


def test_a_named_run_is_retried_where_runs_go_side_by_side(cloud: FakeCodePipeline) -> None:
    cloud.run("pull-request", 1, "Failed", at="Test")
    cloud.run("pull-request", 2)
    cloud.on("codepipeline.RetryStageExecution", lambda _: {"pipelineExecutionId": run_id(1)})
    assert play("retry", "pull-request", "--run", "00000001").code == 0


# --- stop ------------------------------------------------------------------------------------------------------------


def test_a_run_is_stopped_after_what_is_in_progress(cloud: FakeCodePipeline) -> None:
    run = cloud.run("main", 1, "InProgress", at="Staging")

    played = play("stop", "--reason", "wrong commit")

    assert played.code == 0, played.err
    assert "as soon as this has ended: Staging/Deploy" in played.out
    assert run.status == "Stopping"
    (request,) = given(cloud, "StopPipelineExecution")
    assert (request["abandon"], request["reason"]) == (False, "wrong commit")


def test_who_stops_a_run_that_waits_for_an_approval_hears_what_ends_it(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1, "InProgress", at="Approval")

    output = play("stop").out

    assert "as soon as this has ended: Approval/" in output
    assert (
        "answers it: slipway reject main --reason '…', or at once: slipway stop main --run 00000001 --abandon" in output
    )


def test_abandoning_a_run_names_the_actions_that_continue(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1, "Stopping", at="Staging")
    assert "continue on their own: Staging/Deploy" in play("stop", "main", "--abandon").out


def two(cloud: FakeCodePipeline) -> list[FakeRun]:
    return [cloud.run("main", 1, "InProgress", at="Staging"), cloud.run("main", 2, "InProgress", at="Test")]


NOT_STOPPED: dict[str, tuple[list[str], Prepare, list[str]]] = {
    "none": ([], lambda cloud: cloud.run("main", 1), ["no run is in progress"]),
    "several": ([], two, ["2 runs are in progress", "slipway stop main --run 00000002"]),
    "another id": (["main", "--run", "ffff"], two, ["no run whose id begins with ffff"]),
    "already stopping": (
        ["main"],
        lambda cloud: cloud.run("main", 1, "Stopping", at="Staging"),
        ["is already stopping and waits for Staging/Deploy", "--abandon"],
    ),
    "a long reason": (
        ["main", "--reason", "x" * 201],
        lambda cloud: cloud.run("main", 1, "InProgress", at="Test"),
        ["201 characters"],
    ),
}


@pytest.mark.parametrize("situation", NOT_STOPPED)
def test_what_cannot_be_stopped_is_refused_with_the_way_on(cloud: FakeCodePipeline, situation: str) -> None:
    arguments, prepare, expected = NOT_STOPPED[situation]
    prepare(cloud)
    played = play("stop", *arguments)
    assert played.code != 0
    assert [text for text in expected if text not in played.err] == [], played.err


def test_one_of_several_is_stopped_by_its_id(cloud: FakeCodePipeline) -> None:
    first, second = two(cloud)
    assert play("stop", "main", "--run", "00000001").code == 0
    assert (first.status, second.status) == ("Stopping", "InProgress")


def test_a_run_that_ended_meanwhile_is_said(cloud: FakeCodePipeline) -> None:
    run = cloud.run("main", 1, "InProgress", at="Test")
    cloud.before = lambda operation: setattr(run, "status", "Succeeded") if "Stop" in operation else None
    assert "has ended meanwhile" in play("stop").err
