"""Alarms are created, updated and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def alarm(**more: Any) -> dict[str, Any]:
    return {"EvaluationPeriods": 2, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 5, **more}


def test_the_threshold_and_missing_data_treatment_of_an_alarm_are_updated(plain: Plain) -> None:
    stack, cloudwatch = unique("alarm"), plain.client("cloudwatch")
    metric = {"Namespace": "N", "MetricName": "M", "Statistic": "Sum", "Period": 60, "TreatMissingData": "notBreaching"}
    name = plain.deploy(resources(Alarm=("AWS::CloudWatch::Alarm", alarm(**metric))), stack)["Alarm"]
    plain.deploy(resources(Alarm=("AWS::CloudWatch::Alarm", {**alarm(**metric), "Threshold": 9})), stack)
    shown = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    assert (shown["Threshold"], shown["TreatMissingData"]) == (9, "notBreaching")


def test_an_alarm_on_metric_math_and_a_composite_alarm_can_be_created(plain: Plain) -> None:
    stat = {"Metric": {"Namespace": "N", "MetricName": "M"}, "Period": 60, "Stat": "Sum"}
    metrics = [
        {"Id": "rate", "Expression": "m / 2", "ReturnData": True},
        {"Id": "m", "MetricStat": stat, "ReturnData": False},
    ]
    both = {"AlarmRule": {"Fn::Sub": "ALARM(${Rate})"}}
    stack = unique("math")
    made = plain.deploy(
        resources(
            Rate=("AWS::CloudWatch::Alarm", alarm(Metrics=metrics)), Both=("AWS::CloudWatch::CompositeAlarm", both)
        ),
        stack,
    )
    shown = plain.client("cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    assert made["Both"] in [item["AlarmName"] for item in shown["CompositeAlarms"]]
    assert plain.delete(stack) == "DELETE_COMPLETE"
