"""Stops a pipeline's older runs of the same branch or pull request when a newer one starts.

Actions that run end first, and a run that has entered a protected stage goes on: half a production release helps
nobody.
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
_OVER = frozenset(
    {
        "DuplicatedStopRequestException",
        "PipelineExecutionNotStoppableException",
        "PipelineExecutionNotFoundException",
        "ConflictException",
    }
)
_REASON = 200  # characters CodePipeline takes


class NotKnownYetError(Exception):
    """A run's branch is not known yet; Lambda calls again in a minute."""


@dataclass(frozen=True)
class Settings:
    """What the function is told by its environment."""

    protected: tuple[str, ...]
    """A run that has entered one of these stages is never stopped."""
    branch: str | None
    """The branch of a pipeline that has one only."""

    @classmethod
    def of(cls, parameters: Parameters, pipeline: str) -> Settings:
        """Read and check the environment once: `protected_stages`, and by pipeline `branches`."""
        protected = parameters.texts("protected_stages") or _PROTECTED
        branch = parameters.table("branches").get(pipeline)
        parameters.done()
        return cls(protected, branch)


def main(event: dict[str, Any], _context: object) -> None:
    """Stop what the started run replaces.

    Raises:
        NotKnownYetError: when CodePipeline does not say yet what the run builds; Lambda calls again.
    """
    news = Event.of(event)
    if news.status != "InProgress":
        return
    settings = Settings.of(Parameters.of(), news.pipeline)
    listed = entries(news.pipeline)
    own = next((each for each in listed if each.id == news.execution), None)
    if own is None:
        raise NotKnownYetError(f"{news.pipeline} does not list run {news.execution} yet")
    if own.rollback or own.status in ("Stopped", "Stopping", "Cancelled"):
        return
    older = [each for each in listed if _older(each, own)]
    if not older:
        return
    group = settings.branch or read(news.pipeline, own.id, news.trigger).group
    if not group:
        raise NotKnownYetError(f"run {own.id} of {news.pipeline} has no branch yet")
    for each in older:
        if settings.branch or read(news.pipeline, each.id).group == group:
            _stop(news.pipeline, each.id, own.id, settings)


def _older(entry: Entry, own: Entry) -> bool:
    return entry.status == "InProgress" and entry.started < own.started and not entry.rollback


def _stop(pipeline: str, execution: str, newer: str, settings: Settings) -> None:
    reached = entered(pipeline, execution) & set(settings.protected)
    if reached:
        log.info("%s has entered %s and goes on", execution, ", ".join(sorted(reached)))
        return
    try:
        HERE.client("codepipeline").stop_pipeline_execution(
            pipelineName=pipeline,
            pipelineExecutionId=execution,
            abandon=False,
            reason=f"replaced by run {newer}"[:_REASON],
        )
    except ClientError as error:
        if code(error) not in _OVER:
            raise
        log.info("%s needs no stop: %s", execution, code(error))
