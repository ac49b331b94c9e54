"""A CodePipeline with the history of a pipeline, and its events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.support.fake_aws import Refused
from tests.support.fake_pipeline import FaultyAws

PIPELINE = "allthrive-main"
BEGINNING = 1_800_000_000


def run_id(number: int) -> str:
    """Returns the id of a run."""
    return f"00000000-0000-4000-8000-{number:012d}"


@dataclass
class Past:
    """A run in its current state."""

    number: int
    status: str = "InProgress"
    branch: str = "main"
    pull_request: str = ""
    rollback: bool = False
    stages: dict[str, str] = field(default_factory=lambda: {"Source": "Succeeded"})
    reason: str = "exit code 1"
    message: str = "Improve the page"
    build: str = ""
    """The id of the build that failed; empty for an action without one."""

    @property
    def id(self) -> str:
        return run_id(self.number)

    @property
    def commit(self) -> str:
        return f"{self.number:040x}"


class History(FaultyAws):
    """CodePipeline with one pipeline and its runs."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Past] = []
        self.stopped: list[str] = []
        self.on("codepipeline.ListPipelineExecutions", self._list)
        self.on("codepipeline.GetPipelineExecution", self._get)
        self.on("codepipeline.ListActionExecutions", self._actions)
        self.on("codepipeline.StopPipelineExecution", self._stop)

    def run(self, number: int, status: str = "InProgress", **more: Any) -> Past:
        """Adds a run; runs with greater numbers started later."""
        past = Past(number, status, **more)
        self.runs.append(past)
        return past

    def _past(self, execution: str) -> Past:
        return next(run for run in self.runs if run.id == execution)

    def _list(self, _: dict[str, Any]) -> dict[str, Any]:
        return {
            "pipelineExecutionSummaries": [
                {
                    "pipelineExecutionId": run.id,
                    "status": run.status,
                    "startTime": BEGINNING + run.number,
                    "executionType": "ROLLBACK" if run.rollback else "STANDARD",
                }
                for run in self.runs
            ]
        }

    def _get(self, given: dict[str, Any]) -> dict[str, Any]:
        past = self._past(given["pipelineExecutionId"])
        return {
            "pipelineExecution": {
                "pipelineName": given["pipelineName"],
                "pipelineExecutionId": past.id,
                "status": past.status,
                "executionType": "ROLLBACK" if past.rollback else "STANDARD",
                "trigger": {"triggerType": "WebhookV2", "triggerDetail": "arn:aws:codeconnections:us-east-1::c/1"},
            }
        }

    def _actions(self, given: dict[str, Any]) -> dict[str, Any]:
        past = self._past(given["filter"]["pipelineExecutionId"])
        source = {
            "BranchName": past.branch,
            "CommitId": past.commit,
            "CommitMessage": f"{past.message}\n\nAnd more.",
            **({"PullRequestId": past.pull_request} if past.pull_request else {}),
        }
        actions = []
        for position, (stage, status) in enumerate(past.stages.items()):
            output: dict[str, Any] = {}
            if stage == "Source" and status == "Succeeded":
                output["outputVariables"] = source
            if stage == "Test" and status == "Succeeded":
                output["outputVariables"] = {"RELEASE_VERSION": f"1.{past.number}.0"}
            if status == "Failed":
                output["executionResult"] = {
                    "errorDetails": {"code": "JobFailed", "message": past.reason},
                    "externalExecutionUrl": "https://console.aws.amazon.com/codebuild/1",
                    "externalExecutionId": past.build or "job-1",
                }
            actions.append(
                {
                    "pipelineExecutionId": past.id,
                    "stageName": stage,
                    "actionName": f"{stage}Action",
                    "status": status,
                    "startTime": BEGINNING + position,
                    "lastUpdateTime": BEGINNING + position + 1,
                    "output": output,
                    "input": {"actionTypeId": {"provider": "CodeBuild" if past.build else "Lambda"}},
                }
            )
        return {"actionExecutionDetails": actions[::-1]}

    def _stop(self, given: dict[str, Any]) -> dict[str, Any]:
        assert given["abandon"] is False
        assert len(given["reason"]) <= 200
        past = self._past(given["pipelineExecutionId"])
        if past.status == "Stopping":
            raise Refused("DuplicatedStopRequestException")
        if past.status != "InProgress":
            raise Refused("PipelineExecutionNotStoppableException")
        past.status = "Stopping"
        self.stopped.append(past.id)
        return {"pipelineExecutionId": past.id}


def event(number: int, state: str, pipeline: str = PIPELINE, **trigger: str) -> dict[str, Any]:
    """Returns EventBridge's event on a run."""
    return {
        "id": f"event-{pipeline}-{number}-{state}",
        "source": "aws.codepipeline",
        "detail-type": "CodePipeline Pipeline Execution State Change",
        "detail": {
            "pipeline": pipeline,
            "execution-id": run_id(number),
            "state": state,
            "version": 1.0,
            "pipeline-execution-attempt": 1.0,
            "something-new": {"nobody": "knows"},
            **({"execution-trigger": trigger} if trigger else {}),
        },
    }


def approval(number: int) -> dict[str, Any]:
    """Returns EventBridge's event on an approval action that starts."""
    return {
        "id": f"event-approval-{number}",
        "detail-type": "CodePipeline Action Execution State Change",
        "detail": {
            "pipeline": PIPELINE,
            "execution-id": run_id(number),
            "stage": "Approval",
            "action": "Approve",
            "state": "STARTED",
            "type": {"owner": "AWS", "category": "Approval", "provider": "Manual", "version": "1"},
        },
    }
