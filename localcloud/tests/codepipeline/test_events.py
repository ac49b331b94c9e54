"""The events that pipelines send to EventBridge, and rules that match them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from localcloud.testing.pipelines import World, allow, approval, function, stage, until
from localcloud.testing.plain import ACCOUNT, REGION, unique

pytestmark = pytest.mark.local


class Listener:
    """A queue that receives every event of a pipeline."""

    def __init__(self, world: World, pipeline: str) -> None:
        self.sqs, events = world.plain.client("sqs"), world.plain.client("events")
        self.url = self.sqs.create_queue(QueueName=unique("received"))["QueueUrl"]
        name = unique("rule")
        pattern = {"source": ["aws.codepipeline"], "detail": {"pipeline": [pipeline]}}
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.url.rsplit('/', 1)[-1]}"
        policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}]}
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": json.dumps(policy)})
        events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])
        self.received: list[dict[str, Any]] = []

    def poll(self) -> list[dict[str, Any]]:
        found = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        self.received += [json.loads(message["Body"]) for message in found]
        return self.received

    def until(self, kind: str, **detail: str) -> dict[str, Any]:
        def find() -> dict[str, Any] | None:
            wanted = f"CodePipeline {kind} Execution State Change"
            details = [event["detail"] for event in self.poll() if event["detail-type"] == wanted]
            return next((found for found in details if detail.items() <= found.items()), None)

        found: dict[str, Any] = until(f"{kind} {detail}", find)
        return found


def test_state_changes_of_a_run_its_stages_and_actions_are_sent(world: World) -> None:
    name = world.quiet(stage("Work", world.job("Job", inputs=["Code"])))
    listener = Listener(world, name)
    run = world.run(name)["pipelineExecutionId"]
    started = listener.until("Pipeline", **{"state": "STARTED", "execution-id": run})
    assert started["execution-trigger"] == {
        "trigger-type": "StartPipelineExecution",
        "trigger-detail": f"arn:aws:iam::{ACCOUNT}:root",
    }
    assert (started["version"], started["pipeline-execution-attempt"]) == (1.0, 1.0)
    assert time.strptime(started["start-time"], "%Y-%m-%dT%H:%M:%S.%fZ")
    assert listener.until("Stage", stage="Work", state="STARTED")["execution-id"] == run
    assert listener.until("Stage", stage="Work", state="SUCCEEDED")["pipeline"] == name
    done = listener.until("Action", action="Job", state="SUCCEEDED")
    assert done["type"] == {"owner": "AWS", "provider": "Lambda", "category": "Invoke", "version": "1"}
    assert (done["stage"], done["region"]) == ("Work", REGION)
    assert done["input-artifacts"][0]["s3location"]["bucket"] == world.bucket
    assert done["execution-result"]["external-execution-summary"] == "did it"
    listener.until("Pipeline", state="SUCCEEDED")
    event = next(received for received in listener.received if "Pipeline Execution" in received["detail-type"])
    assert event["source"] == "aws.codepipeline"
    assert event["resources"] == [f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{name}"]


def test_the_event_of_a_failure_contains_the_reason_and_a_retry_sends_resumed(world: World) -> None:
    name = world.quiet(stage("Work", world.job("Job", {"fail": "the reason"})))
    listener = Listener(world, name)
    run = world.run(name)["pipelineExecutionId"]
    result = listener.until("Action", action="Job", state="FAILED")["execution-result"]
    assert (result["external-execution-summary"], result["error-code"]) == ("the reason", "JobFailed")
    listener.until("Stage", stage="Work", state="FAILED")
    listener.until("Pipeline", state="FAILED")
    world.api.retry_stage_execution(
        pipelineName=name, stageName="Work", pipelineExecutionId=run, retryMode="FAILED_ACTIONS"
    )
    assert listener.until("Pipeline", state="RESUMED")["pipeline-execution-attempt"] == 2.0
    listener.until("Stage", stage="Work", state="RESUMED")


def test_the_event_of_a_stop_contains_its_reason(world: World) -> None:
    name = world.quiet(stage("Approve", approval()))
    listener = Listener(world, name)
    run = world.start(name)
    world.token(name)
    world.api.stop_pipeline_execution(pipelineName=name, pipelineExecutionId=run, abandon=True, reason="a newer one")
    world.ended(name, run)
    assert listener.until("Pipeline", state="STOPPING")["stop-execution-comments"] == "a newer one"
    listener.until("Action", action="Ask", state="ABANDONED")
    listener.until("Stage", stage="Approve", state="STOPPED")
    listener.until("Pipeline", state="STOPPED")


def test_a_superseded_run_sends_an_event(world: World) -> None:
    name = world.quiet(stage("Approve", approval()))
    listener = Listener(world, name)
    world.start(name)
    world.token(name)
    second = world.start(name)
    until("second waits", lambda: world.stage(name, "Approve").get("inboundExecution"))
    world.start(name)
    assert listener.until("Pipeline", state="SUPERSEDED")["execution-id"] == second


def test_the_event_of_a_pushed_run_contains_its_trigger(world: World) -> None:
    filters = {"sourceActionName": "Get", "push": [{"branches": {"includes": ["pushed/**"]}}]}
    trigger = {"providerType": "CodeStarSourceConnection", "gitConfiguration": filters}
    name = world.quiet(stage("Approve", approval()), triggers=[trigger])
    listener = Listener(world, name)
    branch = f"pushed/{unique('x')}"
    commit = world.commit("pushed", branch, **{"pushed.txt": branch})
    (run,) = world.push(f"refs/heads/{branch}", commit)
    trigger_details = listener.until("Pipeline", **{"state": "STARTED", "execution-id": run})["execution-trigger"]
    wanted = {
        "trigger-type": "WebhookV2",
        "branch-name": branch,
        "commit-id": commit,
        "commit-message": "pushed",
        "full-repository-name": world.repository,
        "author-display-name": "Mary Major",
    }
    assert wanted.items() <= trigger_details.items()


ON_EVENT = """
import boto3, json
def main(event, context):
    detail = event["detail"]
    boto3.client("ssm").put_parameter(Name="/heard/" + detail["execution-id"], Value=detail["state"], Type="String")
"""


def test_a_rule_invokes_a_function_after_a_run_has_failed(world: World) -> None:
    name = world.quiet(stage("Work", world.job("Job", {"fail": "x"})))
    target = function(world.plain, unique("on-failure"), ON_EVENT, allow("ssm:PutParameter"))
    rule, events = unique("failed"), world.plain.client("events")
    pattern = {
        "source": ["aws.codepipeline"],
        "detail-type": ["CodePipeline Pipeline Execution State Change"],
        "detail": {"state": ["FAILED"], "pipeline": [name]},
    }
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{target}"
    events.put_targets(Rule=rule, Targets=[{"Id": "f", "Arn": arn}])
    run = world.run(name)["pipelineExecutionId"]
    ssm = world.plain.client("ssm")
    found = until("the function was invoked", lambda: ssm.get_parameters(Names=[f"/heard/{run}"])["Parameters"])
    assert found[0]["Value"] == "FAILED"
