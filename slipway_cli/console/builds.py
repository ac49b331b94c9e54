"""The builds of a run and their test reports, from CodeBuild's public API."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from slipway_cli.console.aws import Clients
from slipway_cli.runs import Attempt, Run

_MOST = 100
_FAILURES = 20
_WRONG = ("FAILED", "ERROR")


@dataclass(frozen=True)
class Report:
    """A test report of a build."""

    name: str
    counts: Mapping[str, int]
    total: int
    failures: tuple[tuple[str, str], ...] = ()
    """The name and message of failed tests."""

    @property
    def wrong(self) -> int:
        """The number of failed tests."""
        return sum(self.counts.get(status, 0) for status in _WRONG)


@dataclass(frozen=True)
class Build:
    """A build, as far as the console shows it."""

    group: str
    stream: str
    over: bool
    phase: str
    reports: tuple[Report, ...] = ()


@dataclass
class Builds:
    """The builds of an account; a completed build is requested once."""

    clients: Clients
    _over: dict[tuple[str, str], Build] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def of(self, run: Run) -> dict[str, Build]:
        """Returns the builds of a run by id, without those that CodeBuild does not know."""
        found: dict[str, Build] = {}
        ids_by_region: dict[str, list[str]] = {}
        for action in run.actions:
            attempt = action.newest
            if attempt and is_build(attempt):
                known = self._over.get((attempt.region, attempt.reference))
                if known:
                    found[attempt.reference] = known
                else:
                    ids_by_region.setdefault(attempt.region, []).append(attempt.reference)
        for region, ids in ids_by_region.items():
            try:
                found |= self._described(region, ids[:_MOST])
            except ClientError:  # without permission to read builds, a run is shown without reports
                continue
        return found

    def one(self, attempt: Attempt) -> Build | None:
        """Returns the build of an attempt, if CodeBuild knows it."""
        known = self._over.get((attempt.region, attempt.reference))
        return known or self._described(attempt.region, [attempt.reference]).get(attempt.reference)

    def _described(self, region: str, ids: list[str]) -> dict[str, Build]:
        rows = self.clients("codebuild", region).batch_get_builds(ids=ids)["builds"]
        reports = self._reports(region, [arn for row in rows for arn in row.get("reportArns") or []][:_MOST])
        found = {}
        for row in rows:
            logs = row.get("logs") or {}
            found[str(row["id"])] = build = Build(
                group=str(logs.get("groupName") or ""),
                stream=str(logs.get("streamName") or ""),
                over=bool(row.get("buildComplete")),
                phase=str(row.get("currentPhase", "")),
                reports=tuple(reports[arn] for arn in row.get("reportArns") or [] if arn in reports),
            )
            if build.over:
                with self._guard:
                    self._over[region, str(row["id"])] = build
        return found

    def _reports(self, region: str, arns: list[str]) -> dict[str, Report]:
        if not arns:
            return {}
        api = self.clients("codebuild", region)
        try:
            rows = api.batch_get_reports(reportArns=arns)["reports"]
        except ClientError:  # a missing report must not hide the run
            return {}
        return {str(row["arn"]): self._report(api, row) for row in rows if row.get("type") == "TEST"}

    def _report(self, api: Any, row: Mapping[str, Any]) -> Report:
        summary = row.get("testSummary") or {}
        counts = {str(name): int(count) for name, count in (summary.get("statusCounts") or {}).items() if count}
        name = str(row.get("reportGroupArn", "")).rpartition("/")[2] or str(row.get("name", ""))
        failures = [case for status in _WRONG if counts.get(status) for case in _cases(api, str(row["arn"]), status)]
        return Report(name, counts, int(summary.get("total", 0)), tuple(failures[:_FAILURES]))


def is_build(attempt: Attempt) -> bool:
    """True if the attempt ran in CodeBuild."""
    return attempt.provider == "CodeBuild" and bool(attempt.reference)


def _cases(api: Any, arn: str, status: str) -> list[tuple[str, str]]:
    try:
        cases = api.describe_test_cases(reportArn=arn, filter={"status": status}, maxResults=_FAILURES)["testCases"]
    except ClientError:
        return []
    return [(str(case.get("name", "")), str(case.get("message", ""))) for case in cases]
