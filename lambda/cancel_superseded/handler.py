"""Stops the older runs of a branch or pull request when a newer run of the same pipeline starts.

Actions in progress may finish first. A run that has entered a protected stage is not stopped: half a production
release helps nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import HERE, code
from shared.job import log
from shared.parameters import Parameters
from shared.runs import Entry, Event, entered, entries, read

_PROTECTED = ("Approval", "Production", "Release")
_NOT_STOPPABLE = frozenset(
    {
        "DuplicatedStopRequestException",
        "PipelineExecutionNotStoppableException",
        "PipelineExecutionNotFoundException",
        "ConflictException",
    }
)
_REASON = 200  # characters that CodePipeline accepts


class NotKnownYetError(Exception):
    """CodePipeline does not list the run or its branch yet; Lambda calls again in a minute."""


@dataclass(frozen=True)
class Settings:
    """The parameters of the function, from its environment."""

    protected: tuple[str, ...]
    """A run that has entered one of these stages is never stopped."""
    branch: str | None
    """The branch that the pipeline builds, if there is only one."""

    @classmethod
    def from_parameters(cls, parameters: Parameters, pipeline: str) -> Settings:
        """Reads and checks `protected_stages`, and `branches`, which maps a pipeline to its branch."""
        protected = parameters.texts("protected_stages") or _PROTECTED
        branch = parameters.table("branches").get(pipeline)
        parameters.refuse_unknown()
        return cls(protected, branch)


def main(event: dict[str, Any], _context: object) -> None:
    """Stops the runs that the started run supersedes.

    Raises:
        NotKnownYetError: if CodePipeline does not list the run or its branch yet; Lambda calls again.
    """
    change = Event.parse(event)
    if change.status != "InProgress":
        return
    settings = Settings.from_parameters(Parameters.load(), change.pipeline)
    listed = entries(change.pipeline)
    own = next((entry for entry in listed if entry.id == change.execution), None)
    if own is None:
        raise NotKnownYetError(f"{change.pipeline} does not list run {change.execution} yet")
    if own.rollback or own.status in ("Stopped", "Stopping", "Cancelled"):
        return
    older = [entry for entry in listed if _older(entry, own)]
    if not older:
        return
    group = settings.branch or read(change.pipeline, own.id, change.trigger).group
    if not group:
        raise NotKnownYetError(f"run {own.id} of {change.pipeline} has no branch yet")
    for entry in older:
        if settings.branch or read(change.pipeline, entry.id).group == group:
            _stop(change.pipeline, entry.id, own.id, settings)


def _older(entry: Entry, own: Entry) -> bool:
    return entry.status == "InProgress" and entry.started < own.started and not entry.rollback


def _stop(pipeline: str, execution: str, newer: str, settings: Settings) -> None:
    reached = entered(pipeline, execution) & set(settings.protected)
    if reached:
        log.info("%s has entered %s and is not stopped", execution, ", ".join(sorted(reached)))
        return
    try:
        HERE.client("codepipeline").stop_pipeline_execution(
            pipelineName=pipeline,
            pipelineExecutionId=execution,
            abandon=False,
            reason=f"replaced by run {newer}"[:_REASON],
        )
    except ClientError as error:
        if code(error) not in _NOT_STOPPABLE:
            raise
        log.info("%s cannot be stopped any more: %s", execution, code(error))
