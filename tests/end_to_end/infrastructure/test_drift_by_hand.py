"""The nightly function finds changes by hand with its own roles, and keeps one issue for each environment."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from localcloud.testing.cloud import until
from products import names
from tests.end_to_end.infrastructure.rehearsal import PRODUCT, Rehearsal

pytestmark = pytest.mark.long

Json = dict[str, Any]
_SETTINGS = ("AlarmDescription", "AlarmName", "ComparisonOperator", "Dimensions", "EvaluationPeriods", "Threshold")
_MORE = (
    "ActionsEnabled",
    "AlarmActions",
    "DatapointsToAlarm",
    "MetricName",
    "Namespace",
    "OKActions",
    "Period",
    "Statistic",
    "TreatMissingData",
    "Unit",
)


class Night:
    """The nightly check, whose two calls the clock makes, and the issues that it keeps."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        listed = rehearsal.plain.client("lambda").list_functions()["Functions"]
        prefix = f"{names.stack('tooling', PRODUCT.name, 'delivery')}-DetectDrift"
        (self._function,) = [found["FunctionName"] for found in listed if found["FunctionName"].startswith(prefix)]

    def starts(self) -> None:
        self._call("start")

    def finds(self, what: str, wanted: Callable[[list[Json]], object]) -> list[Json]:
        """Calls for the report until the issues are as wanted; returns them."""

        def reported() -> tuple[Json, ...] | None:
            self._call("report")
            issues = self.issues()
            return (*issues, {}) if wanted(issues) else None

        return [issue for issue in until(what, reported) or () if issue]

    def issues(self) -> list[Json]:
        """Returns all issues of the product's repository that say where something differs."""
        settings, repository = self._rehearsal.settings, PRODUCT.repository
        secret = self._rehearsal.plain.client("secretsmanager").get_secret_value(SecretId=f"{PRODUCT.name}/github")
        request = urllib.request.Request(
            f"{settings.github_api}/repos/{repository.owner}/{repository.name}/issues?state=all&labels=drift",
            headers={"Authorization": f"Bearer {json.loads(secret['SecretString'])['token']}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return list(json.load(answer))

    def _call(self, step: str) -> None:
        given = json.dumps({"step": step}).encode()
        answer = self._rehearsal.plain.client("lambda").invoke(FunctionName=self._function, Payload=given)
        assert "FunctionError" not in answer, answer["Payload"].read().decode()


class Alarm:
    """An alarm of staging, as a person changes it in the console."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._client = rehearsal.plain.client("cloudwatch")
        prefix = names.stack("staging", PRODUCT.name, "observability")
        found = self._client.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
        chosen = next(alarm for alarm in found if alarm.get("Statistic"))
        self.before: Json = {key: chosen[key] for key in (*_SETTINGS, *_MORE) if key in chosen}

    def change(self, **settings: object) -> None:
        self._client.put_metric_alarm(**{**self.before, **settings})


def test_a_change_by_hand_is_one_issue_that_is_updated_and_closed_when_nothing_differs(rehearsal: Rehearsal) -> None:
    night, alarm = Night(rehearsal), Alarm(rehearsal)
    night.starts()
    night.finds("no issue before a change", lambda issues: not issues)

    alarm.change(Threshold=4711)
    night.starts()
    (first,) = night.finds("an issue", lambda issues: issues and "4711" in issues[0]["body"])
    alarm.change(Threshold=4711, EvaluationPeriods=17)
    night.starts()
    (second,) = night.finds("the issue with both changes", lambda issues: issues and "17" in issues[0]["body"])
    alarm.change()
    night.starts()
    (closed,) = night.finds("a closed issue", lambda issues: issues and issues[0]["state"] == "closed")

    assert "staging" in first["title"]
    assert "/Threshold" in first["body"]
    assert len([line for line in first["body"].splitlines() if line.startswith("| `")]) == 1  # nothing else differs
    assert f"{alarm.before['Threshold']:g}" in first["body"]
    assert "/EvaluationPeriods" in second["body"]
    assert first["number"] == second["number"] == closed["number"]
