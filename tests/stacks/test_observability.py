"""The Observability stack: what wakes a person."""

from __future__ import annotations

from tests.support.synthesis import synthesis

STACK = "production-allthrive-observability"


def test_every_alarm_writes_to_the_topic_when_it_begins_and_when_it_ends() -> None:
    alarms = synthesis().resources("AWS::CloudWatch::Alarm", STACK)

    assert len(alarms) >= 6
    for place, it in alarms.items():
        assert [action["Ref"][:11] for action in it["Properties"]["AlarmActions"]] == ["AlarmsTopic"], place
        assert it["Properties"]["OKActions"] == it["Properties"]["AlarmActions"], place


def test_every_alarm_names_a_heading_of_the_runbook() -> None:
    for place, it in synthesis().resources("AWS::CloudWatch::Alarm", STACK).items():
        assert it["Properties"]["AlarmDescription"].startswith("What to do: docs/runbook.md#"), place


def test_the_people_of_the_manifest_are_told() -> None:
    of = synthesis({"environments.production.alarm_emails": ["a@example.com", "b@example.com"]})
    found = [it["Properties"] for it in of.resources("AWS::SNS::Subscription", STACK).values()]

    assert sorted((it["Protocol"], it["Endpoint"]) for it in found) == [
        ("email", "a@example.com"),
        ("email", "b@example.com"),
    ]


def test_storage_is_low_under_a_tenth_of_it() -> None:
    alarm = synthesis().resource("AWS::CloudWatch::Alarm", STACK, lambda it: it.get("MetricName") == "FreeStorageSpace")

    assert alarm["Threshold"] == 5 * 1024**3
    assert alarm["ComparisonOperator"] == "LessThanThreshold"


def test_the_dashboard_is_named_after_the_environment() -> None:
    assert synthesis().resource("AWS::CloudWatch::Dashboard", STACK)["DashboardName"] == "production-allthrive"
