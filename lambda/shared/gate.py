"""Holds a release back while an alarm of its environment rings.

A release on top of a failure hides the cause, and its own failure goes unnoticed: an alarm that rings already tells
nobody. A rollback passes, since it is what such an alarm may ask for. So does a release for which a person has switched
off the actions of the alarms that ring.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.aws import HERE, Place
from shared.job import Failed, Job, Wait, shortened
from shared.parameters import ParameterError, Parameters

_PATIENCE_SECONDS = 300  # the longest period of Slipway's alarms that a recovery needs to end one
_REASON = 200  # characters
_LISTED = 5


@dataclass(frozen=True)
class Gate:
    """The alarms that hold a release back."""

    alarms: str
    """The prefix of their names, e.g. `production-allthrive-observability-`."""
    pipeline: str
    run: str

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Gate | None:
        """Reads the parameters; returns None if no alarm holds releases back."""
        alarms = parameters.optional_text("alarms")
        pipeline, run = parameters.optional_text("pipeline"), parameters.optional_text("run")
        if alarms is None:
            return None
        if pipeline is None or run is None:
            raise ParameterError("parameter 'alarms' needs 'pipeline' and 'run', by which it knows a rollback")
        return cls(alarms, pipeline, run)

    def hold(self, job: Job, place: Place) -> Wait | None:
        """Returns None if the release may begin, which stays so for this job.

        Raises:
            Failed: if an alarm has rung for five minutes.
        """
        if "passed" in job.state:
            return None
        ringing = _ringing(place, self.alarms)
        if not ringing or self._is_rollback():
            job.state["passed"] = 1
            return None
        if job.seconds_since("ringing") < _PATIENCE_SECONDS:
            return Wait(f"{', '.join(ringing)}: waiting until no alarm rings")
        raise Failed(_message(ringing, self.pipeline))

    def _is_rollback(self) -> bool:
        found = HERE.client("codepipeline").get_pipeline_execution(
            pipelineName=self.pipeline, pipelineExecutionId=self.run
        )
        return bool(found["pipelineExecution"].get("executionType") == "ROLLBACK")


def _ringing(place: Place, prefix: str) -> dict[str, str]:
    """Returns why the alarms ring whose actions are on, by their names."""
    pages: Any = place.client("cloudwatch").get_paginator("describe_alarms")
    return {
        alarm["AlarmName"]: str(alarm.get("StateReason", ""))
        for page in pages.paginate(AlarmNamePrefix=prefix, StateValue="ALARM", AlarmTypes=["MetricAlarm"])
        for alarm in page["MetricAlarms"]
        if alarm["ActionsEnabled"]
    }


def _message(ringing: dict[str, str], pipeline: str) -> str:
    listed = [f"{name}: {shortened(reason, _REASON)}" for name, reason in list(ringing.items())[:_LISTED]]
    if len(ringing) > _LISTED:
        listed.append(f"and {len(ringing) - _LISTED} more")
    return "\n".join(
        [
            f"the environment has {len(ringing)} ringing alarms, so nothing was changed:",
            *listed,
            f"The runbook has a section for each. When they are quiet, start {pipeline} again.",
            "If this release mends the cause, switch their actions off, and on again afterwards:",
            f"aws cloudwatch disable-alarm-actions --alarm-names {' '.join(ringing)}",
        ]
    )
