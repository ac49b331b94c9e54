"""A stage goes back to a release by any of its names, or says to which it can."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.slipway_cli.operate.playing import given, play
from tests.support.fake_aws import Refused
from tests.support.fake_codepipeline import FakeCodePipeline, commit_of, run_id

DAY = 86_400
Prepare = Callable[[FakeCodePipeline], object]


def releases(cloud: FakeCodePipeline) -> None:
    for number in (1, 2, 3):
        cloud.run("main", number)


@pytest.mark.parametrize(
    "name", ["v1.2.0-0000002", "1.2.0-0000002", "1.2.0", "v1.2.0", "0000002", commit_of(2), run_id(2), " 1.2.0 "]
)
def test_a_release_is_found_by_each_of_its_names(cloud: FakeCodePipeline, name: str) -> None:
    releases(cloud)

    played = play("rollback", "production", "--to", name)

    assert played.code == 0, played.err
    assert "Production of allthrive-main goes back to v1.2.0-0000002" in played.out
    assert "Migrations are not undone" in played.out
    assert "Next: slipway follow main --run 00000004" in played.out
    (request,) = given(cloud, "RollbackStage")
    assert request == {
        "pipelineName": "allthrive-main",
        "stageName": "Production",
        "targetPipelineExecutionId": run_id(2),
    }


def test_the_newest_run_of_a_release_is_taken(cloud: FakeCodePipeline) -> None:
    releases(cloud)
    again = cloud.run("main", 9)
    again.steps = [
        {**step, "pipelineExecutionId": again.id, "startTime": again.started + order}
        for order, step in enumerate(cloud.flow("main").runs[0].steps)
    ]

    assert play("rollback", "production", "--to", "v1.1.0-0000001").code == 0

    assert given(cloud, "RollbackStage")[0]["targetPipelineExecutionId"] == run_id(9)


def test_a_release_that_another_pipeline_brought_is_found_there(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1)
    cloud.run("feature", 2)
    assert play("rollback", "staging", "--to", "1.2.0").code == 0
    assert given(cloud, "RollbackStage")[0]["pipelineName"] == "allthrive-feature"


def failed_there(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1)
    cloud.run("main", 2, "Failed", at="Production")


def after_a_rollback(cloud: FakeCodePipeline) -> None:
    first = cloud.run("main", 1)
    cloud.run("main", 2)
    cloud.rolled_back("main", 3, "Production", first)


def restructured(cloud: FakeCodePipeline) -> None:
    releases(cloud)
    cloud.flow("main").runs[1].structure = 6
    for step in cloud.flow("main").runs[1].steps:
        step["pipelineVersion"] = 6


def old(cloud: FakeCodePipeline) -> None:
    cloud.run("main", 1, started=cloud.clock.time - 181 * DAY)
    cloud.run("main", 2)


def one_version_twice(cloud: FakeCodePipeline) -> None:
    for number in (1, 2):
        run = cloud.run("main", number)
        for step in run.steps:
            if "RELEASE_VERSION" in step["output"].get("outputVariables", {}):
                version = f"1.0.0-{run.commit[:7]}"
                step["output"]["outputVariables"] |= {"RELEASE_VERSION": version, "RELEASE_TAG": f"v{version}"}


REFUSED: dict[str, tuple[list[str], Prepare, int, list[str]]] = {
    "no such release": (
        ["production", "--to", "v9.9.9"],
        releases,
        1,
        [
            "no release 'v9.9.9' among the last 3 runs that succeeded in production",
            "  v1.3.0-0000003, ",
            "  v1.1.0-0000001, ",
            "began in the current structure of the pipeline",
            "next: slipway rollback production --to v1.3.0-0000003",
        ],
    ),
    "it failed there": (["production", "--to", "1.2.0"], failed_there, 1, ["no release '1.2.0'", "v1.1.0-0000001"]),
    "a rollback": (["production", "--to", run_id(3)], after_a_rollback, 1, ["is not a rollback itself"]),
    "the pipeline has changed": (
        ["production", "--to", "1.2.0"],
        restructured,
        1,
        ["began in structure 6", "has 7 now", f"slipway start main --commit {commit_of(2)}", "docs/runbook.md"],
    ),
    "its artifacts are gone": (["production", "--to", "1.1.0"], old, 1, ["180 days", "keep_artifacts_days"]),
    "a version twice": (
        ["production", "--to", "1.0.0"],
        one_version_twice,
        1,
        ["2 releases are called 1.0.0: v1.0.0-0000001, v1.0.0-0000002. Name one"],
    ),
    "nothing ever": (["production", "--to", "1.0.0"], lambda _: None, 1, ["no run has succeeded in production yet"]),
    "no name": (["production", "--to", " "], releases, 2, ["no release is named"]),
    "no such environment": (
        ["prod", "--to", "1.0.0"],
        releases,
        2,
        ["no environment 'prod'", "did you mean 'production'?"],
    ),
}


@pytest.mark.parametrize("situation", REFUSED)
def test_what_cannot_be_gone_back_to_is_refused_with_what_can(cloud: FakeCodePipeline, situation: str) -> None:
    arguments, prepare, code, expected = REFUSED[situation]
    prepare(cloud)

    played = play("rollback", *arguments)

    assert played.code == code
    assert [text for text in expected if text not in played.err] == [], played.err
    assert "next: slipway" in played.err
    assert given(cloud, "RollbackStage") == []


def test_a_list_says_which_releases_are_out_of_reach(cloud: FakeCodePipeline) -> None:
    restructured(cloud)
    err = play("rollback", "production", "--to", "nothing").err
    assert next(line for line in err.splitlines() if "not possible" in line).startswith("  v1.2.0-0000002")


@pytest.mark.parametrize(
    ("error", "output"),
    [
        ("PipelineExecutionOutdatedException", "slipway start main --commit "),
        ("UnableToRollbackStageException", "No run may be in the stage"),
    ],
)
def test_a_refusal_of_codepipeline_itself_is_explained(cloud: FakeCodePipeline, error: str, output: str) -> None:
    releases(cloud)

    def refuse(_: dict[str, object]) -> dict[str, object]:
        raise Refused(error, "it cannot")

    cloud.on("codepipeline.RollbackStage", refuse)
    played = play("rollback", "production", "--to", "1.2.0")
    assert played.code == 1
    assert "it cannot" in played.err
    assert output in played.err


def test_a_version_whose_short_commit_is_another_releases_too_is_not_guessed(cloud: FakeCodePipeline) -> None:
    for number in (1, 2):
        run = cloud.run("main", number)
        tag = "v1.0.0-abc1234" if number == 1 else f"v1.0.0-{run.commit}"
        for step in run.steps:
            if "RELEASE_VERSION" in step["output"].get("outputVariables", {}):
                step["output"]["outputVariables"] |= {"RELEASE_VERSION": "1.0.0-abc1234", "RELEASE_TAG": tag}

    played = play("rollback", "production", "--to", "1.0.0-abc1234")

    assert played.code == 1
    assert "2 releases are called 1.0.0-abc1234: v1.0.0-" in played.err
    assert play("rollback", "production", "--to", "v1.0.0-abc1234").code == 0
    assert given(cloud, "RollbackStage")[0]["targetPipelineExecutionId"] == run_id(1)


def test_a_stage_in_progress_is_not_rolled_back(cloud: FakeCodePipeline) -> None:
    releases(cloud)
    cloud.run("main", 4, "InProgress", at="Production")
    assert "No run may be in the stage" in play("rollback", "production", "--to", "1.2.0").err
