"""Slipway's handlers with the local CodePipeline, which calls them for its events and whose API they read."""

from __future__ import annotations

import json

import pytest

from localcloud.testing.pipelines import World, approval, stage, until
from localcloud.testing.plain import ACCOUNT, REGION, unique
from tests.end_to_end.handlers import deploy_handler

pytestmark = pytest.mark.local

READS = ("ListPipelineExecutions", "GetPipelineExecution", "ListActionExecutions", "StopPipelineExecution")


def test_a_second_push_stops_the_older_run_of_its_branch_and_no_other(world: World) -> None:
    filters = {"sourceActionName": "Get", "push": [{"branches": {"includes": ["stopped/**"]}}]}
    trigger = {"providerType": "CodeStarSourceConnection", "gitConfiguration": filters}
    waiting = stage("Test", approval())
    name = world.quiet(waiting, stage("After", world.job("Job")), triggers=[trigger], executionMode="PARALLEL")
    rights = (f"codepipeline:{name}" for name in READS)
    handler = deploy_handler(world.plain, "cancel_superseded", {"protected_stages": ["Production"]}, *rights)
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
    reason = next(execution for execution in world.executions(name) if execution["pipelineExecutionId"] == first)[
        "stopTrigger"
    ]
    assert reason == {"reason": f"replaced by run {second}"}
    assert world.execution(name, other)["status"] == "InProgress"
    assert world.execution(name, second)["status"] == "InProgress"
