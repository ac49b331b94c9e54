"""The commands of the AWS CLI, as in its documentation."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from localcloud.shell import aws_version
from localcloud.testing.pipelines import World, approval, stage
from localcloud.testing.plain import REGION

# The first versions of the AWS CLI with `codepipeline rollback-stage`, by major version.
NEEDED = {1: (1, 32), 2: (2, 15)}
VERSION = aws_version(Path("/nowhere"))

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(
        not VERSION or NEEDED.get(VERSION[0], (0, 0)) > VERSION,
        reason=f"needs the AWS CLI with rollback-stage, 1.32 or 2.15; installed: {VERSION or 'none'}",
    ),
]


def aws(world: World, command: str) -> Any:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "AWS_ENDPOINT_URL": world.plain.url,
        "AWS_ACCESS_KEY_ID": world.plain.key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": world.plain.key.secret_access_key,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_DEFAULT_OUTPUT": "json",
    }
    arguments = [part.replace("~", " ") for part in command.split()]
    process = subprocess.run(["aws", *arguments], env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout) if process.stdout.strip() else {}


def test_the_documented_commands_work(world: World) -> None:
    name = world.quiet(stage("Approve", approval()))
    commit = world.git("rev-parse", "HEAD")
    revisions = f"actionName=Get,revisionType=COMMIT_ID,revisionValue={commit}"
    command = f"codepipeline start-pipeline-execution --name {name} --source-revisions {revisions}"
    run = aws(world, command)["pipelineExecutionId"]
    token = world.token(name)
    state = aws(world, f"codepipeline get-pipeline-state --name {name}")
    assert state["stageStates"][1]["actionStates"][0]["latestExecution"]["token"] == token
    wanted = f"pipelineExecutionId={run}"
    found = aws(world, f"codepipeline list-action-executions --pipeline-name {name} --filter {wanted}")
    assert [attempt["actionName"] for attempt in found["actionExecutionDetails"]] == ["Ask", "Get"]
    result = "summary=Approved~for~release,status=Approved"
    place = f"--pipeline-name {name} --stage-name Approve --action-name Ask"
    assert "approvedAt" in aws(world, f"codepipeline put-approval-result {place} --result {result} --token {token}")
    assert world.ended(name, run)["status"] == "Succeeded"
    other = aws(world, f"codepipeline start-pipeline-execution --name {name}")["pipelineExecutionId"]
    world.token(name)
    stop = f"codepipeline stop-pipeline-execution --pipeline-name {name} --pipeline-execution-id {other} --abandon"
    assert aws(world, f"{stop} --reason enough")["pipelineExecutionId"] == other
    world.ended(name, other)
    listed = aws(world, f"codepipeline list-pipeline-executions --pipeline-name {name}")
    assert listed["pipelineExecutionSummaries"][0]["status"] == "Stopped"
    retry = f"--pipeline-name {name} --stage-name Approve --pipeline-execution-id {other} --retry-mode FAILED_ACTIONS"
    assert aws(world, f"codepipeline retry-stage-execution {retry}")["pipelineExecutionId"] == other
    world.answer(name)
    world.ended(name, other)
    back = f"--pipeline-name {name} --stage-name Approve --target-pipeline-execution-id {run}"
    assert aws(world, f"codepipeline rollback-stage {back}")["pipelineExecutionId"]
