"""Publishes the metrics of metric filters of log groups, for metrics that an alarm looks at.

Supported patterns compare one number at the top of a line of JSON: `{ $.seconds >= 0 }`. The metric's value is a
number, or that of a key: `$.seconds`.
"""

from __future__ import annotations

import json
import logging
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localcloud import adapter

logger = logging.getLogger("localcloud")
_PATTERN = re.compile(r"^\{\s*\$\.(\w+)\s*(>=|<=|>|<|=|!=)\s*(-?\d+(?:\.\d+)?)\s*\}$")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
    "!=": operator.ne,
}
_WINDOW_SECONDS = 120  # lines that arrive later than this after their time are not counted
_INTERVAL_SECONDS = 10.0

_looked: dict[str, float] = {}
_seen: dict[str, dict[str, float]] = {}
"""Times of the events that each filter has counted, by the event's id."""
_unsupported: set[str] = set()


def publish(alarm: Mapping[str, Any], now: float) -> None:
    """Publish the numbers that arrived in the log since the last call, if a metric filter has the alarm's metric."""
    namespace, metric = alarm.get("Namespace"), alarm.get("MetricName")
    if not namespace or not metric or str(namespace).startswith("AWS/"):
        return
    key = str(alarm.get("AlarmArn"))
    if now - _looked.get(key, 0.0) < _INTERVAL_SECONDS:
        return
    _looked[key] = now
    logs = adapter.client("logs")
    for found in logs.describe_metric_filters(metricName=metric, metricNamespace=namespace)["metricFilters"]:
        for transformation in found["metricTransformations"]:
            if (transformation["metricNamespace"], transformation["metricName"]) == (namespace, metric):
                _publish(logs, found, transformation, now)


def _publish(logs: Any, found: Mapping[str, Any], transformation: Mapping[str, Any], now: float) -> None:
    data = [
        {"MetricName": transformation["metricName"], "Timestamp": time, "Value": value}
        for time, value in _numbers(logs, found, str(transformation["metricValue"]), now)
    ]
    if data:
        adapter.client("cloudwatch").put_metric_data(Namespace=transformation["metricNamespace"], MetricData=data)


def _numbers(logs: Any, found: Mapping[str, Any], value: str, now: float) -> Iterator[tuple[float, float]]:
    """Yields time and number of each new line that the filter matches."""
    name = f"{found['logGroupName']} {found['filterName']}"
    seen = {event: time for event, time in _seen.get(name, {}).items() if time > now - 2 * _WINDOW_SECONDS}
    _seen[name] = seen
    start = int((now - _WINDOW_SECONDS) * 1000)
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=found["logGroupName"], startTime=start)
    for event in [event for page in pages for event in page["events"] if event["eventId"] not in seen]:
        seen[event["eventId"]] = time = event["timestamp"] / 1000
        number = _number(found["filterPattern"], value, event["message"])
        if number is not None:
            yield time, number


def _number(pattern: str, value: str, line: str) -> float | None:
    """Returns the metric's value of a line, or None if the pattern does not match it."""
    parts = _PATTERN.match(pattern.strip())
    if parts is None:
        if pattern not in _unsupported:
            _unsupported.add(pattern)
            logger.warning("the local cloud does not support the filter pattern %s: its metric has no data", pattern)
        return None
    key, comparison, limit = parts.groups()
    try:
        content = json.loads(line)
    except ValueError:
        return None
    compared = _plain_number(content, key)
    if compared is None or not _COMPARE[comparison](compared, float(limit)):
        return None
    return _plain_number(content, value.removeprefix("$.")) if value.startswith("$.") else float(value)


def _plain_number(content: Any, key: str) -> float | None:
    found = content.get(key) if isinstance(content, dict) else None
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
