"""Alarms that notify people."""

from __future__ import annotations

import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk.assertions import Template

from slipway.alarms import MINUTE, Alarms
from tests.support.stack import empty_stack, properties


def alarm(*, below: bool = False, missing_is_bad: bool = False) -> Template:
    stack = empty_stack()
    alarms = Alarms(stack, "Alarms", emails=["ops@example.com"])
    metric = cloudwatch.Metric(namespace="Any", metric_name="Any", period=MINUTE)
    alarms.add("ShopIsSlow", metric, threshold=5, of_minutes=10, below=below, missing_is_bad=missing_is_bad)
    return Template.from_stack(stack)


@pytest.mark.parametrize(
    ("below", "comparison"), [(False, "GreaterThanOrEqualToThreshold"), (True, "LessThanThreshold")]
)
def test_an_alarm_starts_at_or_above_its_threshold_or_with_below_under_it(below: bool, comparison: str) -> None:
    found = properties(alarm(below=below), "AWS::CloudWatch::Alarm")

    assert (found["ComparisonOperator"], found["Threshold"]) == (comparison, 5)


def test_an_alarm_starts_after_the_given_minutes() -> None:
    found = properties(alarm(), "AWS::CloudWatch::Alarm")

    assert (found["Period"], found["EvaluationPeriods"]) == (60, 10)


@pytest.mark.parametrize(("bad", "treatment"), [(False, "notBreaching"), (True, "breaching")])
def test_missing_data_breach_the_threshold_only_with_missing_is_bad(bad: bool, treatment: str) -> None:
    assert properties(alarm(missing_is_bad=bad), "AWS::CloudWatch::Alarm")["TreatMissingData"] == treatment


def test_the_description_links_to_the_runbook() -> None:
    found = properties(alarm(), "AWS::CloudWatch::Alarm")

    assert found["AlarmDescription"] == "What to do: docs/runbook.md#shopisslow"


def test_an_alarm_publishes_to_its_topic_when_it_starts_and_when_it_ends() -> None:
    found = properties(alarm(), "AWS::CloudWatch::Alarm")

    assert found["AlarmActions"] == found["OKActions"]
    assert found["AlarmActions"][0]["Ref"].startswith("AlarmsTopic")


def test_the_topic_refuses_messages_without_tls() -> None:
    statements = properties(alarm(), "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]

    assert [
        statement["Effect"]
        for statement in statements
        if statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    ] == ["Deny"]


def test_cloudwatch_may_publish_the_alarms_of_the_account_to_the_topic() -> None:
    """A topic's own policy replaces SNS's default policy: without this statement no alarm would notify anybody."""
    statements = properties(alarm(), "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    (allowed,) = [statement for statement in statements if statement["Effect"] == "Allow"]

    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Action"] == "sns:Publish"
    assert set(allowed["Condition"]) == {"StringEquals", "ArnLike"}
    assert list(allowed["Condition"]["ArnLike"]) == ["aws:SourceArn"]
