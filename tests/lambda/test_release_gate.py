"""Alarms that hold a release back: for how long, and which releases pass."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.fake_stack import Deployment

PREFIX = "production-allthrive-observability-"
GATE = {"alarms": PREFIX, "pipeline": "allthrive-main", "run": "run-1"}


@pytest.fixture(name="action")
def _action(monkeypatch: pytest.MonkeyPatch) -> Any:
    action = Deployment()
    with action.installed(monkeypatch):
        yield action


class Alarms:
    """Alarms of CloudWatch, and the kind of the run that asks about them."""

    def __init__(self, action: Deployment, *ringing: str, kind: str = "STANDARD") -> None:
        self.ringing, self.kind, self.muted, self.looks = list(ringing), kind, False, 0
        self.quiet_after: int | None = None
        """The number of reads in which the alarms ring before they end."""
        action.on("cloudwatch.DescribeAlarms", self._describe)
        action.on("codepipeline.GetPipelineExecution", self._execution)

    def _describe(self, given: dict[str, Any]) -> dict[str, Any]:
        assert (given["AlarmNamePrefix"], given["StateValue"]) == (PREFIX, "ALARM")
        self.looks += 1
        if self.quiet_after is not None and self.looks > self.quiet_after:
            return {"MetricAlarms": []}
        return {
            "MetricAlarms": [
                {"AlarmName": f"{PREFIX}{name}", "StateReason": "31 errors", "ActionsEnabled": not self.muted}
                for name in self.ringing
            ]
        }

    def _execution(self, given: dict[str, Any]) -> dict[str, Any]:
        assert given == {"pipelineName": "allthrive-main", "pipelineExecutionId": "run-1"}
        return {"pipelineExecution": {"executionType": self.kind}}


def test_a_release_waits_until_no_alarm_rings(action: Deployment) -> None:
    action.replace(**GATE)
    alarms = Alarms(action, "RequestsFail")
    alarms.quiet_after = 3

    action.run()

    assert (action.status, len(action.updates), alarms.looks) == ("Succeeded", 1, 4)


def test_after_five_minutes_of_ringing_a_release_fails_and_has_changed_nothing(action: Deployment) -> None:
    action.replace(**GATE)
    Alarms(action, "RequestsFail", "CeleryRunsTooFewTasks")

    action.run()

    assert (action.status, action.updates) == ("Failed", [])
    assert "2 ringing alarms, so nothing was changed" in action.message
    assert "RequestsFail: 31 errors" in action.message
    mute = f"disable-alarm-actions --alarm-names {PREFIX}RequestsFail {PREFIX}CeleryRunsTooFewTasks"
    assert mute in action.message


def test_alarms_whose_actions_a_person_has_switched_off_hold_nothing_back(action: Deployment) -> None:
    action.replace(**GATE)
    Alarms(action, "RequestsFail").muted = True

    action.run()

    assert action.status == "Succeeded"


def test_alarms_do_not_hold_a_rollback_back(action: Deployment) -> None:
    action.replace(**GATE)
    Alarms(action, "RequestsFail", kind="ROLLBACK")

    action.run()

    assert action.status == "Succeeded"


def test_alarms_do_not_hold_the_first_release_back(action: Deployment) -> None:
    action.replace(**GATE)
    action.stack |= {"BackendImage": "unreleased", "MigrationImage": "unreleased", "ReleaseVersion": "unreleased"}
    Alarms(action, "WebRunsTooFewTasks")

    action.run()

    assert action.status == "Succeeded"


def test_an_alarm_that_the_release_itself_causes_does_not_stop_it_halfway(action: Deployment) -> None:
    action.replace(**GATE)
    alarms = Alarms(action)

    def ring(_: str) -> None:
        if action.updates:
            alarms.ringing.append("WebHasUnhealthyTasks")

    action.before = ring
    action.run()

    assert (action.status, action.stack["ReleaseVersion"]) == ("Succeeded", "1.3.0")
