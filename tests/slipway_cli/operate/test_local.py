"""The verbs, and the runbook's plain commands, against the CodePipeline of a local cloud."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator

import boto3
import pytest

from localcloud.testing.pipelines import World, action, function, stage, until
from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, unique
from paths import ROOT
from slipway_cli.operate import clock
from tests.slipway_cli.operate.playing import play

__all__ = ["plain"]

pytestmark = pytest.mark.local
MAIN = "allthrive-main"
RUNBOOK = ROOT / "docs" / "runbook.md"

#: Publishes the version that its commit names, as a build would; deploys unless the commit says it breaks.
PUBLISH = """
import boto3, json
def main(event, context):
    job, api = event["CodePipeline.job"], boto3.client("codepipeline")
    given = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
    if "broken" in given["message"] and given.get("breaks"):
        api.put_job_failure_result(jobId=job["id"], failureDetails={"type": "JobFailed", "message": "it broke"})
        return
    version = "1.0.0-" + given["commit"][:7]
    variables = {"RELEASE_VERSION": version, "RELEASE_TAG": "v" + version}
    api.put_job_success_result(jobId=job["id"], outputVariables=variables if given.get("publishes") else {})
"""


@pytest.fixture(name="world", scope="module")
def _world(plain: Plain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with AllThrive's main pipeline in small."""
    world = World(plain, tmp_path_factory.mktemp("world"))
    name = function(plain, unique("publish"), PUBLISH)

    def job(kind: str, does: str) -> dict[str, object]:
        parameters = f'{{"commit": "#{{Source.CommitId}}", "message": "#{{Source.CommitMessage}}", "{does}": true}}'
        return action(kind, "Invoke", "Lambda", {"FunctionName": name, "UserParameters": parameters})

    ask = {"CustomData": "May #{Source.CommitId} enter production?"}
    declared = world.declare(name=MAIN, executionMode="QUEUED")
    declared["stages"] = [
        stage("Source", {**world.source(), "name": "GitHub"}),
        stage("Publish", job("Backend", "publishes")),
        stage("Approval", action("Approve", "Approval", "Manual", ask)),
        stage("Production", job("Deploy", "breaks"), onFailure={"result": "ROLLBACK"}),
    ]
    world.api.create_pipeline(pipeline=declared)
    yield world
    world.api.delete_pipeline(name=MAIN)


@pytest.fixture(autouse=True)
def _account(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    key = world.plain.key
    given = {"ENDPOINT_URL": world.plain.url, "ACCESS_KEY_ID": key.access_key_id}
    given["SECRET_ACCESS_KEY"] = key.secret_access_key
    for name, value in {**given, "DEFAULT_REGION": REGION, "REGION": REGION, "PAGER": ""}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setattr(clock, "pause", lambda _: time.sleep(0.1))


def idle(world: World) -> None:
    """End what earlier tests left."""
    for entry in world.executions(MAIN):
        if entry["status"] in ("InProgress", "Stopping"):
            run = entry["pipelineExecutionId"]
            world.api.stop_pipeline_execution(pipelineName=MAIN, pipelineExecutionId=run, abandon=True)
            world.ended(MAIN, run)


def released(world: World, message: str) -> tuple[str, str]:
    """A run of a new commit, approved; its id and commit."""
    idle(world)
    commit = world.commit(message)
    played = play("start", "main", "--commit", commit)
    assert played.code == 0, played.all
    run = re.findall(r"run ([0-9a-f-]{36})", played.out)[0]
    world.token(MAIN, "Approval")
    played = play("approve", "main")
    assert played.code == 0, played.all
    assert f"May {commit} enter production?" in played.out
    return run, commit


def test_a_release_goes_in_and_back_and_in_again(world: World) -> None:
    first, first_commit = released(world, "one")
    assert world.ended(MAIN, first)["status"] == "Succeeded"
    second, _ = released(world, "two")
    assert play("follow", "main", "--run", second[:8]).code == 0

    played = play("rollback", "production", "--to", f"v1.0.0-{first_commit[:7]}")

    assert played.code == 0, played.all
    back = re.findall(r"rolls back: run (\S+)", played.out)[0]
    assert world.ended(MAIN, back)["status"] == "Succeeded"
    entry = world.execution(MAIN, back)
    assert entry["rollbackMetadata"]["rollbackTargetPipelineExecutionId"] == first
    assert f"v1.0.0-{first_commit[:7]}" in play("rollback", "production", "--to", "nothing").err
    assert f"rollback to run {first[:8]} Succeeded" in play("status", "main").out


def test_a_broken_release_is_told_and_cannot_be_retried_once_it_was_taken_back(world: World) -> None:
    good, _ = released(world, "good")
    world.ended(MAIN, good)
    bad, commit = released(world, "broken")

    played = play("follow", "main", "--run", bad[:8])

    assert played.code == 1
    assert "Production/Deploy failed: it broke" in played.err
    until("it was taken back", lambda: world.executions(MAIN)[0]["trigger"]["triggerType"] == "AutomatedRollback")
    world.ended(MAIN, world.executions(MAIN)[0]["pipelineExecutionId"])
    played = play("retry", "main")
    assert played.code == 1
    assert f"slipway start main --commit {commit}" in played.err


def test_a_rejected_release_ends_and_can_be_asked_for_again(world: World) -> None:
    idle(world)
    run = world.start(MAIN)
    world.token(MAIN, "Approval")
    assert play("reject", "main", "--reason", "not today").code == 0
    assert world.ended(MAIN, run)["status"] == "Failed"
    assert "Approval/Approve was not approved: " in (shown := play("status", "main").out)
    assert "not today" in shown
    assert "nothing waits for approval" in play("approve", "main").err

    played = play("retry", "main")

    assert played.code == 0, played.all
    world.token(MAIN, "Approval")
    assert play("stop", "main").code == 0
    assert "waits for Approval/Approve" in play("stop", "main").err
    assert play("stop", "main", "--abandon").code == 0
    assert world.ended(MAIN, run)["status"] == "Stopped"


def test_a_pipeline_that_is_not_there_and_a_right_that_is_missing_are_explained(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "there is no such pipeline" in play("status", "feature").err
    nobody = world.plain.session(world.plain.role(unique("nobody")))
    for name, key in {"ACCESS_KEY_ID": "AccessKeyId", "SECRET_ACCESS_KEY": "SecretAccessKey"}.items():
        monkeypatch.setenv(f"AWS_{name}", nobody[key])
    monkeypatch.setenv("AWS_SESSION_TOKEN", nobody["SessionToken"])
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    assert "codepipeline:StartPipelineExecution" in play("start", "main", "--product", "allthrive").err


# --- the runbook -----------------------------------------------------------------------------------------------------


def plain_commands(heading: str) -> str:
    """The AWS CLI commands under a heading of the runbook that go to CodePipeline."""
    text = RUNBOOK.read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if "aws codepipeline" in block]
    return str(found)


def bash(script: str, **variables: str) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"PIPELINE={MAIN}\n{script}"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI is not installed")
@pytest.mark.slow
def test_the_plain_commands_of_the_runbook_do_what_they_say(world: World) -> None:
    idle(world)
    commit = world.commit("by the command line")
    assert bash(plain_commands("Start a pipeline"), COMMIT=commit).count("pipelineExecutionId") == 2
    world.token(MAIN, "Approval")
    assert "enter production?" in bash(plain_commands("Approve or reject a release"))
    world.token(MAIN, "Approval")
    assert "pipelineExecutionId" in bash(plain_commands("Stop a run"))
    idle(world)

    failed, _ = released(world, "broken by the command line")
    assert world.ended(MAIN, failed)["status"] == "Failed"
    output = bash(plain_commands("See the state of the pipelines"))
    assert "Production\tDeploy\tit broke" in output
    until("it was taken back", lambda: world.executions(MAIN)[0]["trigger"]["triggerType"] == "AutomatedRollback")
    world.ended(MAIN, world.executions(MAIN)[0]["pipelineExecutionId"])

    back = bash(plain_commands("Roll back to a named release"), STAGE="Production")
    assert re.search(r"[0-9a-f-]{36} v1\.0\.0-[0-9a-f]{7}\n", back)
    assert '"pipelineExecutionId"' in back

    idle(world)
    run = world.start(MAIN)
    world.token(MAIN, "Approval")
    play("reject", "main", "--reason", "no")
    world.ended(MAIN, run)
    assert run in bash(plain_commands("Retry a failed stage"), STAGE="Approval", RUN=run)


def test_keys_of_an_earlier_local_cloud_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    played = play("status")
    assert played.code == 1
    assert "next: unset AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID" in played.err
