"""The console's requests to CodePipeline's public API."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from slipway_cli.runs import Action, Attempt, Entry, Run, State

Clients = Callable[[str, str], Any]
"""Returns the client of a service and region."""

PIPELINES, RUNS = 25, 20
_PAGE = 100
_SEARCHED = 300  # actions that are read to find the branches of a page of runs
_NO_STRUCTURE = {"PipelineVersionNotFoundException", "PipelineNotFoundException"}
_CURRENT = ("status", "statusSummary", "executionType", "rollbackMetadata", "trigger")
_SUMMARY = 512  # characters of an approval's summary


class RefusedError(Exception):
    """The request is refused; `str()` says why."""


def code(error: BaseException) -> str:
    """Returns the error code of AWS; empty for other errors."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


@dataclass(frozen=True)
class Overview:
    """A pipeline and its newest run."""

    name: str
    run: Run | None


@dataclass
class Pipelines:
    """The pipelines of an account, in any region."""

    clients: Clients
    _structures: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def overview(self, region: str, first: int = 0) -> tuple[list[Overview], bool]:
        """Returns some pipelines with their newest runs, and True if there are more."""
        pages = self._api(region).get_paginator("list_pipelines").paginate()
        names = (str(pipeline["name"]) for page in pages for pipeline in page["pipelines"])
        chosen = list(islice(names, first, first + PIPELINES + 1))
        return [Overview(name, self._newest(region, name)) for name in chosen[:PIPELINES]], len(chosen) > PIPELINES

    def _api(self, region: str) -> Any:
        return self.clients("codepipeline", region)

    def _newest(self, region: str, pipeline: str) -> Run | None:
        # A rollback that starts while a run is listed may come before or after it.
        page = self._api(region).list_pipeline_executions(pipelineName=pipeline, maxResults=5)
        rows = sorted(page["pipelineExecutionSummaries"], key=lambda row: Entry.of(row).started, reverse=True)
        if not rows:
            return None
        entry = Entry.of(rows[0])
        actions = self._actions(region, pipeline, entry.id)
        return Run.of(entry, actions, pipeline=pipeline, trigger=rows[0].get("trigger") or {})

    def runs(self, region: str, pipeline: str, token: str = "") -> tuple[list[Run], str]:
        """Returns a page of runs of a pipeline, newest first, and the token of the next page."""
        more = {"nextToken": token} if token else {}
        page = self._api(region).list_pipeline_executions(pipelineName=pipeline, maxResults=RUNS, **more)
        listed = page["pipelineExecutionSummaries"]
        actions = self._recent(region, pipeline, {str(row.get("pipelineExecutionId")) for row in listed})
        found = []
        for row in listed:
            entry = Entry.of(row)
            acted, trigger = actions.get(entry.id, ()), row.get("trigger") or {}
            found.append(Run.of(entry, acted, pipeline=pipeline, trigger=trigger))
        found.sort(key=lambda run: run.entry.started, reverse=True)
        return found, str(page.get("nextToken", ""))

    def _recent(self, region: str, pipeline: str, wanted: set[str]) -> dict[str, list[Any]]:
        """Returns the newest actions of a pipeline by run, for branch and author; older runs are missing."""
        pages = self._api(region).get_paginator("list_action_executions")
        responses = pages.paginate(pipelineName=pipeline, PaginationConfig={"PageSize": _PAGE, "MaxItems": _SEARCHED})
        found: dict[str, list[Any]] = {}
        for page in responses if wanted else ():
            for row in page["actionExecutionDetails"]:
                found.setdefault(str(row.get("pipelineExecutionId")), []).append(row)
        return {run: rows for run, rows in found.items() if run in wanted}

    def _actions(self, region: str, pipeline: str, run: str) -> list[Any]:
        pages = self._api(region).get_paginator("list_action_executions")
        try:
            result_pages = pages.paginate(pipelineName=pipeline, filter={"pipelineExecutionId": run})
            return [row for page in result_pages for row in page["actionExecutionDetails"]]
        except ClientError as error:
            if code(error) == "PipelineExecutionNotFoundException":  # it has begun no action yet
                return []
            raise

    def run(self, region: str, pipeline: str, run: str) -> Run:
        """Returns a run in the structure its pipeline had when the run began."""
        api = self._api(region)
        execution = api.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=run)["pipelineExecution"]
        rows = self._actions(region, pipeline, run)
        listed = api.list_pipeline_executions(pipelineName=pipeline, maxResults=_PAGE)["pipelineExecutionSummaries"]
        own = next((row for row in listed if row.get("pipelineExecutionId") == run), None)
        state = api.get_pipeline_state(name=pipeline)
        if own:
            entry = Entry.of({**own, **_newer(execution)})
        else:  # it is too old to be listed first
            entry = Entry.of_execution(execution, [Attempt.of(row) for row in rows])
        return Run.of(
            entry,
            rows,
            pipeline=pipeline,
            declaration=self._structure(region, pipeline, int(execution.get("pipelineVersion", 0)), state),
            state=state,
            mode=str(execution.get("executionMode", "")),
            trigger=execution.get("trigger") or {},
        )

    def _structure(self, region: str, pipeline: str, version: int, state: Mapping[str, Any]) -> Any:
        # Versions start at one again if a pipeline is deleted and created again.
        key = (region, pipeline, version, state.get("created"))
        with self._guard:
            if key in self._structures:
                return self._structures[key]
        at_version = {"version": version} if version else {}
        try:
            found = self._api(region).get_pipeline(name=pipeline, **at_version)["pipeline"]
        except ClientError as error:
            if code(error) not in _NO_STRUCTURE:
                raise
            found = {}
        with self._guard:
            self._structures[key] = found
        return found

    # --- what a person may do ----------------------------------------------------------------------------------------

    def answer(self, region: str, run: Run, action: Action, *, approved: bool, comment: str) -> None:
        """Approve or reject this run's approval, and no other.

        Raises:
            RefusedError: if this run does not wait there any more.
        """
        state = State.of(self._api(region).get_pipeline_state(name=run.pipeline))
        place = (action.stage, action.name)
        approvals = [approval for approval in state.waiting if (approval.stage, approval.action) == place]
        token = next((approval.token for approval in approvals if approval.run in ("", run.entry.id)), "")
        if action.state != "Waiting" or not token:
            raise RefusedError(f"{action.label} of this run does not wait for an answer any more.")
        self._api(region).put_approval_result(
            pipelineName=run.pipeline,
            stageName=action.stage,
            actionName=action.name,
            token=token,
            result={"summary": comment[:_SUMMARY], "status": "Approved" if approved else "Rejected"},
        )

    def retry(self, region: str, run: Run, stage: str) -> None:
        """Run the failed actions of a stage again."""
        self._api(region).retry_stage_execution(
            pipelineName=run.pipeline, stageName=stage, pipelineExecutionId=run.entry.id, retryMode="FAILED_ACTIONS"
        )

    def stop(self, region: str, run: Run, *, reason: str, abandon: bool) -> None:
        """Stop a run after its actions in progress, or at once."""
        why = {"reason": reason[:200]} if reason else {}
        self._api(region).stop_pipeline_execution(
            pipelineName=run.pipeline, pipelineExecutionId=run.entry.id, abandon=abandon, **why
        )


def _newer(execution: Mapping[str, Any]) -> dict[str, Any]:
    return {name: execution[name] for name in _CURRENT if name in execution}
