"""The log of an action: its build's log, or its function's lines while the action ran."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from slipway_cli.console.aws import Clients, code
from slipway_cli.console.builds import Builds, is_build
from slipway_cli.console.masking import masked
from slipway_cli.runs import Attempt

TAIL = 500
_PAGE = 5000
_WHOLE = 20  # pages of a log that are read for its whole text
_LATE_SECONDS = 30  # CloudWatch shows a function's last lines after its action has ended
_CALL_SECONDS = 3
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


@dataclass(frozen=True)
class Line:
    """A line of a log."""

    at: datetime
    text: str


@dataclass(frozen=True)
class Log:
    """Some lines of a log, and the position of the next ones."""

    title: str
    lines: tuple[Line, ...] = ()
    cursor: str = ""
    over: bool = False
    """True if no more lines are expected."""
    earlier: bool = False
    """True if there are earlier lines."""


@dataclass(frozen=True)
class Logs:
    """The logs of an account."""

    clients: Clients
    builds: Builds

    def read(self, attempt: Attempt, cursor: str = "", *, now: datetime, whole: bool = False) -> Log | None:
        """Returns the last lines, or those after a cursor, or all; None for an action without a log."""
        if is_build(attempt):
            return self._build(attempt, cursor, now, whole=whole)
        if attempt.provider == "Lambda" and attempt.subject:
            return self._function(attempt, cursor, now)
        return None

    def _build(self, attempt: Attempt, cursor: str, now: datetime, *, whole: bool) -> Log:
        build = self.builds.one(attempt)
        if build is None:
            return Log(f"Build {attempt.reference} no longer exists", over=True)
        title = f"Build {attempt.reference}" + ("" if build.over else f", {build.phase.lower().replace('_', ' ')}")
        if not build.stream:
            return Log(f"{title}: no log in CloudWatch Logs", over=build.over)
        api = self.clients("logs", attempt.region)
        where = {"logGroupName": build.group, "logStreamName": build.stream}
        try:
            events, following = _whole(api, where) if whole else _part(api, where, cursor)
        except ClientError as error:
            if code(error) == "ResourceNotFoundException":
                return Log(f"{title}: no line yet", over=build.over)
            raise
        settled = build.over and not events and (now - attempt.updated).total_seconds() > _LATE_SECONDS
        return Log(title, _lines(events), following, settled, earlier=not cursor and len(events) >= TAIL and not whole)

    def _function(self, attempt: Attempt, cursor: str, now: datetime) -> Log:
        function = attempt.subject.rpartition(":function:")[2] or attempt.subject
        end = attempt.updated.timestamp() + _LATE_SECONDS if attempt.over else now.timestamp() + 1
        late = attempt.over and now.timestamp() > end
        title = f"Function {function}, while this action ran"
        # Lines of another run's job may be among these, since no line contains a job's id.
        try:
            pages = (
                self.clients("logs", attempt.region)
                .get_paginator("filter_log_events")
                .paginate(
                    logGroupName=self._group(attempt, function),
                    startTime=int(attempt.started.timestamp() * 1000),
                    endTime=int(end * 1000),
                    PaginationConfig={"MaxItems": _PAGE},
                )
            )
            events = [event for page in pages for event in page["events"]]
        except ClientError as error:
            if code(error) == "ResourceNotFoundException":
                return Log(f"{title}: no log in CloudWatch Logs", over=late)
            raise
        events = _of_the_action(events, attempt)
        seen = int(cursor) if cursor.isdigit() else 0
        return Log(title, _lines(events[seen:]), str(len(events)), late and len(events) <= seen)

    def _group(self, attempt: Attempt, function: str) -> str:
        try:
            found = self.clients("lambda", attempt.region).get_function_configuration(FunctionName=attempt.subject)
        except ClientError:
            found = {}
        return str((found.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{function}")


def _of_the_action(events: list[Mapping[str, Any]], attempt: Attempt) -> list[Mapping[str, Any]]:
    """Returns events without calls begun after the action had ended; the local cloud dates a call at its end."""
    if not attempt.over:
        return events
    end = (attempt.updated.timestamp() + _CALL_SECONDS) * 1000
    later, found = set[str](), []
    for event in events:
        stream = str(event.get("logStreamName", ""))
        if event["timestamp"] > end and str(event.get("message", "")).startswith("START RequestId"):
            later.add(stream)
        if stream not in later:
            found.append(event)
    return found


def plain(text: str) -> str:
    """Returns a line without keys and without terminal escapes."""
    return masked(_ESCAPES.sub("", text.rstrip("\r\n").rpartition("\r")[2]))


def _lines(events: list[Mapping[str, Any]]) -> tuple[Line, ...]:
    return tuple(
        Line(datetime.fromtimestamp(event["timestamp"] / 1000, UTC), plain(text))
        for event in events
        for text in str(event.get("message", "")).rstrip("\n").split("\n")
    )


def _part(api: Any, where: Mapping[str, str], cursor: str) -> tuple[list[Mapping[str, Any]], str]:
    position = {"nextToken": cursor, "startFromHead": True} if cursor else {"limit": TAIL, "startFromHead": False}
    page = api.get_log_events(**where, **position)
    return page["events"], page["nextForwardToken"]


def _whole(api: Any, where: Mapping[str, str]) -> tuple[list[Mapping[str, Any]], str]:
    events: list[Mapping[str, Any]] = []
    token = ""
    for _ in range(_WHOLE):
        page = api.get_log_events(**where, startFromHead=True, **({"nextToken": token} if token else {}))
        events += page["events"]
        if page["nextForwardToken"] == token:
            break
        token = page["nextForwardToken"]
    return events, token
