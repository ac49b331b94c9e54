"""Evaluates one alarm: the values of its metric in each period, its threshold, and its missing data treatment."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud import adapter
from localcloud.cloudwatch.alarms.expression import UnsupportedExpressionError, Value, evaluate

Alarm = Mapping[str, Any]
OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_PLAIN_STATISTICS = {"Average", "Sum", "Minimum", "Maximum", "SampleCount"}


@dataclass(frozen=True)
class Verdict:
    """The state of an alarm, and the reason."""

    state: str
    reason: str


def judge(alarm: Alarm, now: float) -> Verdict | None:
    """Returns the alarm's state by its metrics; None to keep the current state."""
    if alarm.get("ComparisonOperator") not in _COMPARE:
        return None
    try:
        values = _values(alarm, now)
    except UnsupportedExpressionError as error:
        return Verdict(INSUFFICIENT, f"the local cloud does not support the expression {error}")
    return decide(alarm, values)


def decide(alarm: Alarm, values: list[Value]) -> Verdict | None:
    """Returns the alarm's state by the values of the evaluated periods, oldest first."""
    treatment = alarm.get("TreatMissingData") or "missing"
    known = [value for value in values if value is not None]
    missing = len(values) - len(known)
    if not known and treatment in {"missing", "ignore"}:
        return Verdict(INSUFFICIENT, "Unchecked: no data arrived") if treatment == "missing" else None
    threshold, name = float(alarm["Threshold"]), str(alarm["ComparisonOperator"])
    breaching = sum(1 for value in known if _COMPARE[name](value, threshold))
    if treatment == "breaching":
        breaching += missing
    needed = int(alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods") or 1)
    if breaching >= needed:
        return Verdict(ALARM, f"Threshold Crossed: {breaching} of {len(values)} datapoints {known} {name} {threshold}")
    if treatment == "ignore" and missing:
        return None
    return Verdict(OK, f"Threshold not crossed: {breaching} of {len(values)} datapoints {known} {name} {threshold}")


# --- values ----------------------------------------------------------------------------------------------------------


def _values(alarm: Alarm, now: float) -> list[Value]:
    queries = alarm.get("Metrics") or []
    if not queries:
        stat = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
        period = int(alarm.get("Period") or 60)
        return _settled(_series(alarm, str(stat), period, _starts(alarm, now, period)), alarm)
    period = next((int(item["MetricStat"]["Period"]) for item in queries if "MetricStat" in item), 60)
    starts = _starts(alarm, now, period)
    series = {
        item["Id"]: _series(item["MetricStat"]["Metric"], item["MetricStat"]["Stat"], period, starts)
        for item in queries
        if "MetricStat" in item
    }
    returned = next(item for item in queries if str(item.get("ReturnData", True)).lower() == "true")
    if "Expression" not in returned:
        return _settled(series[returned["Id"]], alarm)
    known = [{name: values[index] for name, values in series.items()} for index in range(len(starts))]
    return _settled([evaluate(returned["Expression"], metrics) for metrics in known], alarm)


def _starts(alarm: Alarm, now: float, period: int) -> list[float]:
    """Returns the start of each evaluated period, oldest first; the current period is the last."""
    current = now - now % period
    return [current - period * back for back in range(int(alarm.get("EvaluationPeriods") or 1), -1, -1)]


def _settled(values: list[Value], alarm: Alarm) -> list[Value]:
    """Returns the values to evaluate: the current period counts only if it has data."""
    periods = int(alarm.get("EvaluationPeriods") or 1)
    return values[-periods:] if values[-1] is not None else values[-periods - 1 : -1]


def _series(metric: Mapping[str, Any], stat: str, period: int, starts: list[float]) -> list[Value]:
    kind = "Statistics" if stat in _PLAIN_STATISTICS else "ExtendedStatistics"
    points = adapter.client("cloudwatch").get_metric_statistics(
        Namespace=metric["Namespace"],
        MetricName=metric["MetricName"],
        Dimensions=metric.get("Dimensions") or [],
        StartTime=dt.datetime.fromtimestamp(starts[0], dt.UTC),
        EndTime=dt.datetime.fromtimestamp(starts[-1] + period, dt.UTC),
        Period=period,
        **{kind: [stat]},
    )["Datapoints"]
    known = {
        int(point["Timestamp"].timestamp()): float(point[stat] if stat in point else point["ExtendedStatistics"][stat])
        for point in points
    }
    return [known.get(int(start)) for start in starts]
