"""CloudWatch alarms: their states and notifications."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloudwatch.alarms.expression import UnsupportedExpressionError, evaluate
from localcloud.cloudwatch.alarms.watch import decide
from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, resources, unique

__all__ = ["plain"]


def alarm(**more: Any) -> dict[str, Any]:
    return {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 5, "EvaluationPeriods": 3, **more}


@pytest.mark.parametrize(
    ("values", "more", "expected"),
    [
        ([6, 7, 8], {}, "ALARM"),
        ([6, 7, 5], {}, "OK"),
        ([6, 1, 7], {"DatapointsToAlarm": 2}, "ALARM"),
        ([None, None, None], {}, "INSUFFICIENT_DATA"),
        ([None, None, None], {"TreatMissingData": "notBreaching"}, "OK"),
        ([None, None, None], {"TreatMissingData": "breaching"}, "ALARM"),
        ([None, 6, None], {"TreatMissingData": "breaching"}, "ALARM"),
        ([None, 6, None], {"TreatMissingData": "notBreaching"}, "OK"),
        ([None, 6, None], {"TreatMissingData": "ignore"}, None),
        ([None, None, None], {"TreatMissingData": "ignore"}, None),
        ([4, 3, 2], {"ComparisonOperator": "LessThanThreshold"}, "ALARM"),
    ],
)
def test_the_state_depends_on_breaching_values_and_missing_data_treatment(
    values: list[float | None], more: dict[str, Any], expected: str | None
) -> None:
    verdict = decide(alarm(**more), values)
    assert (verdict.state if verdict else None) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100 * errors / requests", 25),
        ("errors / none", None),
        ("FILL(none, 0) + errors", 5),
        ("MAX([errors, requests])", 20),
        ("-ABS(errors - requests)", -15),
        ("errors / 0", None),
    ],
)
def test_an_expression_is_evaluated_for_each_period(text: str, expected: float | None) -> None:
    assert evaluate(text, {"errors": 5.0, "requests": 20.0, "none": None}) == expected


def test_the_error_for_an_unsupported_expression_names_it() -> None:
    with pytest.raises(UnsupportedExpressionError, match="ANOMALY"):
        evaluate("ANOMALY_DETECTION_BAND(m)", {"m": 1.0})


def until_state(plain: Plain, name: str, state: str) -> None:
    cloudwatch, deadline = plain.client("cloudwatch"), time.monotonic() + 60
    while time.monotonic() < deadline:
        found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
        if found["StateValue"] == state:
            return
    raise AssertionError(f"{found['StateValue']}: {found['StateReason']}")


def metric(plain: Plain, namespace: str, value: float, server: str) -> None:
    datum = {"MetricName": "Errors", "Dimensions": [{"Name": "Server", "Value": server}], "Value": value}
    plain.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])


@pytest.mark.local
def test_an_alarm_evaluates_only_its_own_dimension_and_notifies_its_topic(plain: Plain) -> None:
    namespace, queue = unique("space"), unique("queue")
    base = {
        "Namespace": namespace,
        "MetricName": "Errors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    made = plain.deploy(
        resources(
            Queue=("AWS::SQS::Queue", {"QueueName": queue}),
            Policy=(
                "AWS::SQS::QueuePolicy",
                {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {"Statement": [allow]}},
            ),
            Topic=("AWS::SNS::Topic", {"Subscription": [{"Protocol": "sqs", "Endpoint": arn}]}),
            Loud=(
                "AWS::CloudWatch::Alarm",
                {**base, "Dimensions": [{"Name": "Server", "Value": "a"}], "AlarmActions": [{"Ref": "Topic"}]},
            ),
            Quiet=("AWS::CloudWatch::Alarm", {**base, "Dimensions": [{"Name": "Server", "Value": "b"}]}),
        )
    )
    metric(plain, namespace, 50, "a")
    metric(plain, namespace, 1, "b")
    until_state(plain, made["Loud"], "ALARM")
    until_state(plain, made["Quiet"], "OK")
    sqs = plain.client("sqs")
    notification = sqs.receive_message(QueueUrl=made["Queue"], WaitTimeSeconds=10)["Messages"][0]
    assert json.loads(json.loads(notification["Body"])["Message"])["NewStateValue"] == "ALARM"


@pytest.mark.local
def test_an_alarm_on_metric_math_is_evaluated(plain: Plain) -> None:
    namespace = unique("space")
    dimension = [{"Name": "Server", "Value": "a"}]
    measured = {
        "Metric": {"Namespace": namespace, "MetricName": "Errors", "Dimensions": dimension},
        "Period": 60,
        "Stat": "Sum",
    }
    made = plain.deploy(
        resources(
            Rate=(
                "AWS::CloudWatch::Alarm",
                {
                    "EvaluationPeriods": 1,
                    "Threshold": 10,
                    "ComparisonOperator": "GreaterThanThreshold",
                    "Metrics": [
                        {"Id": "twice", "Expression": "errors * 2", "ReturnData": True},
                        {"Id": "errors", "MetricStat": measured, "ReturnData": False},
                    ],
                },
            )
        )
    )
    metric(plain, namespace, 6, "a")
    until_state(plain, made["Rate"], "ALARM")


def test_an_alarm_on_a_queue_is_triggered_by_a_visible_message(plain: Plain) -> None:
    name = unique("undelivered")
    made = plain.deploy(
        resources(
            Queue=("AWS::SQS::Queue", {"QueueName": name}),
            Undelivered=(
                "AWS::CloudWatch::Alarm",
                {
                    "Namespace": "AWS/SQS",
                    "MetricName": "ApproximateNumberOfMessagesVisible",
                    "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["Queue", "QueueName"]}}],
                    "Statistic": "Maximum",
                    "Period": 300,
                    "EvaluationPeriods": 1,
                    "Threshold": 1,
                    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                },
            ),
        )
    )
    plain.client("sqs").send_message(QueueUrl=made["Queue"], MessageBody="news")
    until_state(plain, made["Undelivered"], "ALARM")


@pytest.mark.local
def test_an_alarm_on_numbers_in_a_log_sees_those_of_its_key_only(plain: Plain) -> None:
    group, namespace, metric_name = unique("log"), unique("space"), unique("metric")
    made = plain.deploy(
        resources(
            Group=("AWS::Logs::LogGroup", {"LogGroupName": group}),
            Filter=(
                "AWS::Logs::MetricFilter",
                {
                    "LogGroupName": {"Ref": "Group"},
                    "FilterPattern": "{ $.seconds >= 0 }",
                    "MetricTransformations": [
                        {"MetricNamespace": namespace, "MetricName": metric_name, "MetricValue": "$.seconds"}
                    ],
                },
            ),
            Late=(
                "AWS::CloudWatch::Alarm",
                {
                    "Namespace": namespace,
                    "MetricName": metric_name,
                    "Statistic": "Maximum",
                    "Period": 60,
                    "EvaluationPeriods": 1,
                    "Threshold": 300,
                    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                    "TreatMissingData": "notBreaching",
                },
            ),
        )
    )
    logs = plain.client("logs")
    logs.create_log_stream(logGroupName=group, logStreamName="beat")

    def write(*lines: str) -> None:
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in lines]
        logs.put_log_events(logGroupName=group, logStreamName="beat", logEvents=events)

    write("900 seconds", json.dumps({"minutes": 900}), json.dumps({"seconds": "900"}), json.dumps({"seconds": 12.5}))
    until_state(plain, made["Late"], "OK")
    write(json.dumps({"seconds": 301}))
    until_state(plain, made["Late"], "ALARM")


@pytest.mark.local
def test_listing_alarms_by_their_prefix_needs_the_right_on_every_alarm(plain: Plain) -> None:
    prefix = unique("alarm")
    every, other = (f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}" for name in ("*", "other"))

    def listed(resource: str) -> list[Any]:
        allowed = {"Effect": "Allow", "Action": "cloudwatch:DescribeAlarms", "Resource": resource}
        client = plain.client("cloudwatch", plain.session(plain.role(unique("role"), allowed)))
        found: list[Any] = client.describe_alarms(AlarmNamePrefix=prefix, StateValue="ALARM")["MetricAlarms"]
        return found

    assert listed(every) == []
    with pytest.raises(ClientError, match="not authorized"):
        listed(other)
