"""Our own handlers as users of the local CodePipeline: called by its events, reading its API."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.local.pipelines.world import World, allow, approval, stage, until
from tests.local.plain import ACCOUNT, REGION, unique

pytestmark = pytest.mark.local

HANDLERS = Path(__file__).resolve().parents[3] / "lambda"


def packed(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            for path in sorted((HANDLERS / name).glob("*.py")):
                archive.writestr(f"{name}/{path.name}", path.read_text(encoding="utf-8"))
    return content.getvalue()


def deployed(world: World, handler: str, settings: dict[str, Any]) -> str:
    """A handler with the rights that docs/pipeline-handlers.md gives it."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    reads = ("ListPipelineExecutions", "GetPipelineExecution", "ListActionExecutions", "StopPipelineExecution")
    role = world.plain.role(unique("handler"), allow(*(f"codepipeline:{name}" for name in reads)), trust=trust)
    name = unique(handler.replace("_", "-"))
    world.plain.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler=f"{handler}.handler.main",
        Timeout=60,
        Code={"ZipFile": packed(handler, "shared")},
        Environment={"Variables": {"SETTINGS": json.dumps(settings)}},
    )
    return name


def test_a_second_push_stops_the_older_run_of_its_branch_and_no_other(world: World) -> None:
    filters = {"sourceActionName": "Get", "push": [{"branches": {"includes": ["stopped/**"]}}]}
    trigger = {"providerType": "CodeStarSourceConnection", "gitConfiguration": filters}
    waiting = stage("Test", approval())
    name = world.quiet(waiting, stage("After", world.job("Job")), triggers=[trigger], executionMode="PARALLEL")
    handler = deployed(world, "cancel_superseded", {"protected_stages": ["Production"]})
    rule, events = unique("started"), world.plain.client("events")
    pattern = {
        "source": ["aws.codepipeline"],
        "detail-type": ["CodePipeline Pipeline Execution State Change"],
        "detail": {"state": ["STARTED"], "pipeline": [name]},
    }
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{handler}"
    events.put_targets(Rule=rule, Targets=[{"Id": "f", "Arn": arn}])
    ours, theirs = f"stopped/{unique('a')}", f"stopped/{unique('b')}"
    commits = {branch: world.commit(branch, branch, **{"who.txt": branch}) for branch in (ours, theirs)}
    (other,) = world.push(f"refs/heads/{theirs}", commits[theirs])
    (first,) = world.push(f"refs/heads/{ours}", commits[ours])
    until("both wait", lambda: all("Ask" in world.actions(name, run) for run in (other, first)))
    newer = world.commit("again", ours, **{"who.txt": "again"})
    (second,) = world.push(f"refs/heads/{ours}", newer, commits[ours])
    until("the older one is asked to stop", lambda: world.execution(name, first)["status"] == "Stopping")
    reason = next(one for one in world.executions(name) if one["pipelineExecutionId"] == first)["stopTrigger"]
    assert reason == {"reason": f"replaced by run {second}"}
    assert world.execution(name, other)["status"] == "InProgress"
    assert world.execution(name, second)["status"] == "InProgress"
