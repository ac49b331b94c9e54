"""A CodePipeline with the pipelines of a shipped manifest; a test sets the state of their runs.

Requests and answers are validated against botocore's model, so that a test cannot depend on impossible answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.validate import ParamValidator

from localcloud import validation
from localcloud.json_services import ServiceError
from localcloud.validation import problems
from products import load
from products.flows import Action, Delivery, Kind, deliveries
from tests.support.fake_aws import FakeAws, Refused
from tests.support.fake_pipeline import FaultyAws

BEGINNING = 1_800_000_000.0
STRUCTURE = 7
_CATEGORIES = {Kind.SOURCE: "Source", Kind.APPROVAL: "Approval", Kind.CHECK: "Test"}
_IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>{account}</Account>"
    "<Arn>arn:aws:iam::{account}:user/ada</Arn><UserId>A</UserId></GetCallerIdentityResult></GetCallerIdentityResponse>"
)
_OVER = ("Succeeded", "Failed", "Stopped", "Superseded", "Cancelled")
Json = dict[str, Any]


def run_id(number: int) -> str:
    """Returns the id of a run; its first eight digits are unique."""
    return f"{number:08x}-0000-4000-8000-{number:012d}"


def commit_of(number: int) -> str:
    """Returns the commit of a run."""
    return f"{number:07x}" + "e" * 33


@dataclass
class FakeRun:
    """A run in its current state."""

    number: int
    status: str
    steps: list[Json]
    rollback_to: str = ""
    structure: int = STRUCTURE
    started: float = 0.0
    summary: str = ""

    @property
    def id(self) -> str:
        return run_id(self.number)

    @property
    def commit(self) -> str:
        return commit_of(self.number)

    def step(self, stage: str) -> Json:
        """Returns the last action execution of a stage."""
        return next(step for step in reversed(self.steps) if step["stageName"] == stage)


@dataclass
class FakePipeline:
    """A pipeline and its runs."""

    delivery: Delivery
    runs: list[FakeRun] = field(default_factory=list)
    structure: int = STRUCTURE
    closed: dict[str, str] = field(default_factory=dict)
    queued: dict[str, list[str]] = field(default_factory=dict)

    def run(self, identifier: str) -> FakeRun:
        for active in self.runs:
            if active.id == identifier:
                return active
        raise Refused("PipelineExecutionNotFoundException", f"no execution {identifier}")

    def latest(self, stage: str) -> FakeRun | None:
        own = [run for run in self.runs if any(step["stageName"] == stage for step in run.steps)]
        return max(own, key=lambda run: run.step(stage)["startTime"], default=None)


class FakeCodePipeline(FaultyAws):
    """CodePipeline in one account."""

    def __init__(self, product: str = "allthrive") -> None:
        super().__init__()
        self.clock.time = BEGINNING + 100_000
        self.pipelines = {delivery.pipeline: FakePipeline(delivery) for delivery in deliveries(load(product))}
        self.product, self.account = product, load(product).tooling.account
        self.ticks: list[Callable[[], None]] = []
        """Functions that are called at each pause of a client that follows a run."""
        for operation, handler in {
            "ListPipelines": lambda _: {"pipelines": [{"name": name} for name in self.pipelines]},
            "ListPipelineExecutions": self._list,
            "GetPipelineExecution": self._get,
            "ListActionExecutions": self._actions,
            "GetPipelineState": self._state,
            "StartPipelineExecution": self._start,
            "PutApprovalResult": self._approve,
            "RetryStageExecution": self._retry,
            "RollbackStage": self._rollback,
            "StopPipelineExecution": self._stop,
        }.items():
            self.on(f"codepipeline.{operation}", _checked(operation, handler))
        FakeAws.on(self, "sts.GetCallerIdentity", lambda _: _IDENTITY.format(account=self.account))  # without faults

    # --- state, set by tests -----------------------------------------------------------------------------------------

    def flow(self, flow: str) -> FakePipeline:
        return self.pipelines[f"{self.product}-{flow}"]

    def run(self, flow: str, number: int, status: str = "Succeeded", at: str = "", **more: Any) -> FakeRun:
        """Adds a run that succeeded in all stages before `at`, and has its status in `at`.

        There, by default the status is that of the approval, or of the first action of a stage without one.
        """
        pipeline = self.flow(flow)
        started = more.pop("started", BEGINNING + 1000 * number)
        reason, action = more.pop("reason", "exit code 1"), more.pop("action", "")
        run = FakeRun(number, status, [], started=started, **more)
        when = started
        for stage in pipeline.delivery.stages:
            asks = [configured.name for configured in stage.actions if configured.kind is Kind.APPROVAL]
            stops = action or (*asks, stage.actions[0].name)[0]
            for configured in stage.actions:
                here = stage.name == at and configured.name == stops
                how = {"InProgress": "InProgress", "Stopping": "InProgress", "Stopped": "Abandoned"}.get(status, status)
                run.steps.append(
                    self._step(run, stage.name, configured, how if here else "Succeeded", when=when, reason=reason)
                )
                when += 10
                if here:
                    pipeline.runs.append(run)
                    return run
        pipeline.runs.append(run)
        return run

    def rolled_back(self, flow: str, number: int, stage: str, to: FakeRun, status: str = "Succeeded") -> FakeRun:
        """Adds a rollback of a stage."""
        pipeline = self.flow(flow)
        run = FakeRun(number, status, [], rollback_to=to.id, started=BEGINNING + 1000 * number)
        (found,) = [candidate for candidate in pipeline.delivery.stages if candidate.name == stage]
        for action in found.actions:
            run.steps.append(self._step(run, stage, action, status, when=run.started, reason="exit code 1"))
        pipeline.runs.append(run)
        return run

    def _step(self, run: FakeRun, stage: str, action: Action, status: str, *, when: float, reason: str) -> Json:
        category = _CATEGORIES.get(action.kind, "Build")
        step: Json = {
            "pipelineExecutionId": run.id,
            "actionExecutionId": f"{run.id}-{stage}-{action.name}",
            "pipelineVersion": run.structure,
            "stageName": stage,
            "actionName": action.name,
            "startTime": when,
            "lastUpdateTime": when + 9,
            "status": status,
            "input": {
                "actionTypeId": {"category": category, "owner": "AWS", "provider": "Any", "version": "1"},
                "configuration": {},
            },
            "output": {},
        }
        if action.kind is Kind.APPROVAL:
            question = f"May 1.{run.number}.0-{run.commit[:7]} enter {action.subject}?"
            step["input"]["resolvedConfiguration"] = {
                "CustomData": question,
                "ExternalEntityLink": "https://staging.example.org",
            }
        if status == "Succeeded":
            step["output"]["outputVariables"] = _variables(run, action.kind)
        if status == "Failed":
            step["output"]["executionResult"] = {
                "externalExecutionUrl": "https://console.aws.amazon.com/codebuild/1",
                "errorDetails": {"code": "JobFailed", "message": reason},
            }
        return step

    # --- answers of CodePipeline -------------------------------------------------------------------------------------

    def _pipeline(self, name: str) -> FakePipeline:
        if name not in self.pipelines:
            raise Refused("PipelineNotFoundException", f"Account '1' does not have a pipeline with name '{name}'")
        return self.pipelines[name]

    def _row(self, run: FakeRun) -> Json:
        row: Json = {
            "pipelineExecutionId": run.id,
            "status": run.status,
            "executionMode": "QUEUED",
            "executionType": "ROLLBACK" if run.rollback_to else "STANDARD",
        }
        if run.summary:
            row["statusSummary"] = run.summary
        if run.rollback_to:
            row["rollbackMetadata"] = {"rollbackTargetPipelineExecutionId": run.rollback_to}
            row["trigger"] = {"triggerType": "ManualRollback", "triggerDetail": "arn:aws:iam::1:user/ada"}
        return row

    def _list(self, given: Json) -> Json:
        pipeline = self._pipeline(given["pipelineName"])
        stage = given.get("filter", {}).get("succeededInStage", {}).get("stageName")
        summary = json.dumps({"ProviderType": "GitHub", "CommitMessage": "Improve the page\n\nAnd more."})
        rows = [
            {
                **self._row(run),
                "startTime": run.started,
                "lastUpdateTime": run.started + 600,
                "sourceRevisions": [
                    {"actionName": "GitHub", "revisionId": run.commit, "revisionSummary": summary},
                ],
            }
            for run in pipeline.runs[::-1]
            if stage is None or _succeeded(run, stage)
        ]
        token, size = str(given.get("nextToken", "0")), given.get("maxResults", 100)
        if not token.isdecimal():
            raise Refused("InvalidNextTokenException", "the token is invalid")
        first = int(token)
        more = {"nextToken": str(first + size)} if len(rows) > first + size else {}
        return {"pipelineExecutionSummaries": rows[first : first + size], **more}

    def _get(self, given: Json) -> Json:
        run = self._pipeline(given["pipelineName"]).run(given["pipelineExecutionId"])
        row = {key: value for key, value in self._row(run).items() if key != "startTime"}
        return {"pipelineExecution": {"pipelineName": given["pipelineName"], "pipelineVersion": run.structure, **row}}

    def _actions(self, given: Json) -> Json:
        run = self._pipeline(given["pipelineName"]).run(given["filter"]["pipelineExecutionId"])
        return {"actionExecutionDetails": run.steps[::-1]}

    def _state(self, given: Json) -> Json:
        pipeline = self._pipeline(given["name"])
        states = []
        for stage in pipeline.delivery.stages:
            run, closed = pipeline.latest(stage.name), pipeline.closed.get(stage.name)
            state: Json = {
                "stageName": stage.name,
                "inboundTransitionState": {"enabled": closed is None, **({"disabledReason": closed} if closed else {})},
                "actionStates": [self._action_state(run, stage.name, action.name) for action in stage.actions],
            }
            if run:
                worst = [step["status"] for step in run.steps if step["stageName"] == stage.name]
                how = next((status for status in ("Failed", "InProgress", "Abandoned") if status in worst), "Succeeded")
                state["latestExecution"] = {
                    "pipelineExecutionId": run.id,
                    "status": "Stopped" if how == "Abandoned" else how,
                    "type": "ROLLBACK" if run.rollback_to else "STANDARD",
                }
            waiting = pipeline.queued.get(stage.name, [])
            if waiting:
                state["inboundExecutions"] = [
                    {"pipelineExecutionId": execution, "status": "InProgress"} for execution in waiting
                ]
            states.append(state)
        return {"pipelineName": given["name"], "pipelineVersion": pipeline.structure, "stageStates": states}

    @staticmethod
    def _action_state(run: FakeRun | None, stage: str, action: str) -> Json:
        for step in run.steps if run else []:
            if (step["stageName"], step["actionName"]) == (stage, action):
                latest = {"status": step["status"], "lastStatusChange": step["lastUpdateTime"]}
                asks = step["input"]["actionTypeId"]["category"] == "Approval" and step["status"] == "InProgress"
                token = {"token": _token(run)} if asks and run else {}
                return {"actionName": action, "latestExecution": {**latest, **token}}
        return {"actionName": action}

    def _start(self, given: Json) -> Json:
        pipeline = self._pipeline(given["name"])
        number = max((run.number for run in pipeline.runs), default=0) + 1
        return {"pipelineExecutionId": self.run(pipeline.delivery.flow_name, number, "InProgress", at="Source").id}

    def _approve(self, given: Json) -> Json:
        for run in self._pipeline(given["pipelineName"]).runs:
            if _token(run) == given["token"]:
                step = run.step(given["stageName"])
                if step["status"] != "InProgress":
                    raise Refused("ApprovalAlreadyCompletedException", "The approval action has already been approved")
                approved = given["result"]["status"] == "Approved"
                step["status"] = "Succeeded" if approved else "Failed"
                run.status = "InProgress" if approved else "Failed"
                return {"approvedAt": self.clock.time} if approved else {}
        raise Refused("InvalidApprovalTokenException", "Invalid token")

    def _retry(self, given: Json) -> Json:
        pipeline = self._pipeline(given["pipelineName"])
        run = pipeline.run(given["pipelineExecutionId"])
        latest = pipeline.latest(given["stageName"])
        if latest is not run:
            raise Refused("NotLatestPipelineExecutionException", "a newer run is in the stage")
        if run.status not in ("Failed", "Stopped"):
            raise Refused("StageNotRetryableException", "the stage has not failed")
        run.status = run.step(given["stageName"])["status"] = "InProgress"
        return {"pipelineExecutionId": run.id}

    def _rollback(self, given: Json) -> Json:
        pipeline = self._pipeline(given["pipelineName"])
        target = pipeline.run(given["targetPipelineExecutionId"])
        if target.structure != pipeline.structure:
            raise Refused("PipelineExecutionOutdatedException", "the target is of another version of the pipeline")
        latest = pipeline.latest(given["stageName"])
        if latest and latest.step(given["stageName"])["status"] == "InProgress":
            raise Refused("UnableToRollbackStageException", "the stage is in progress")
        number = max(run.number for run in pipeline.runs) + 1
        made = self.rolled_back(pipeline.delivery.flow_name, number, given["stageName"], target, "InProgress")
        return {"pipelineExecutionId": made.id}

    def _stop(self, given: Json) -> Json:
        run = self._pipeline(given["pipelineName"]).run(given["pipelineExecutionId"])
        if run.status == "Stopping" and not given.get("abandon"):
            raise Refused("DuplicatedStopRequestException", "it stops already")
        if run.status in _OVER:
            raise Refused("PipelineExecutionNotStoppableException", "it has ended")
        run.status = "Stopping"
        return {"pipelineExecutionId": run.id}


def _token(run: FakeRun) -> str:
    return f"aaaaaaaa-0000-4000-8000-{run.number:012d}"


def _succeeded(run: FakeRun, stage: str) -> bool:
    own = [step["status"] for step in run.steps if step["stageName"] == stage]
    return bool(own) and set(own) == {"Succeeded"}


def _variables(run: FakeRun, kind: Kind) -> dict[str, str]:
    if kind is Kind.SOURCE:
        return {
            "BranchName": "main",
            "CommitId": run.commit,
            "CommitMessage": "Improve the page\n\nAnd more.",
            "AuthorDisplayName": "Ada",
        }
    if kind is Kind.IMAGE:
        version = f"1.{run.number}.0-{run.commit[:7]}"
        return {"RELEASE_VERSION": version, "RELEASE_TAG": f"v{version}", "IMAGE": "registry/image@sha256:1"}
    return {}


def _checked(operation: str, handler: Callable[[Json], Json]) -> Callable[[Json], Json]:
    """Returns a handler that validates requests and answers with the service's model."""
    model = validation.model("codepipeline").operation_model(operation)

    def serve(given: Json) -> Json:
        if message := validation.violation("codepipeline", operation, given):
            raise ServiceError("ValidationException", message)
        answer = handler(given)
        if model.output_shape is not None:
            assert not ParamValidator().validate(answer, model.output_shape).has_errors(), answer
            assert not list(problems(model.output_shape, answer)), answer
        return answer

    return serve
