"""The Observability stack: alarms that notify people."""

from __future__ import annotations

from tests.support.synthesis import synthesis

STACK = "production-allthrive-observability"


def test_every_alarm_publishes_to_the_topic_when_it_starts_and_when_it_ends() -> None:
    alarms = synthesis().resources("AWS::CloudWatch::Alarm", STACK)

    assert len(alarms) >= 6
    for place, alarm in alarms.items():
        assert [action["Ref"][:11] for action in alarm["Properties"]["AlarmActions"]] == ["AlarmsTopic"], place
        assert alarm["Properties"]["OKActions"] == alarm["Properties"]["AlarmActions"], place


def test_every_alarm_links_to_the_runbook() -> None:
    for place, resource in synthesis().resources("AWS::CloudWatch::Alarm", STACK).items():
        assert resource["Properties"]["AlarmDescription"].startswith("What to do: docs/runbook.md#"), place


def test_the_people_in_the_manifest_are_notified() -> None:
    app = synthesis({"environments.production.alarm_emails": ["a@example.com", "b@example.com"]})
    found = [resource["Properties"] for resource in app.resources("AWS::SNS::Subscription", STACK).values()]

    assert sorted((subscription["Protocol"], subscription["Endpoint"]) for subscription in found) == [
        ("email", "a@example.com"),
        ("email", "b@example.com"),
    ]


def test_storage_is_low_below_a_tenth() -> None:
    alarm = synthesis().resource(
        "AWS::CloudWatch::Alarm", STACK, lambda properties: properties.get("MetricName") == "FreeStorageSpace"
    )

    assert alarm["Threshold"] == 5 * 1024**3
    assert alarm["ComparisonOperator"] == "LessThanThreshold"


def test_the_dashboard_is_named_after_the_environment() -> None:
    assert synthesis().resource("AWS::CloudWatch::Dashboard", STACK)["DashboardName"] == "production-allthrive"


def test_every_service_has_an_alarm_on_its_number_of_tasks() -> None:
    found = {
        place.rpartition("/Alarms")[2].partition("RunsTooFewTasks")[0]: alarm["Properties"]
        for place, alarm in synthesis().resources("AWS::CloudWatch::Alarm", STACK).items()
        if "RunsTooFewTasks" in place
    }

    assert {name: alarm["Threshold"] for name, alarm in found.items()} == {"Celery": 2, "CeleryBeat": 1, "Web": 2}
    assert found["Celery"]["Dimensions"] == [
        {"Name": "ClusterName", "Value": "production-allthrive-cluster"},
        {"Name": "ServiceName", "Value": "production-allthrive-celery"},
    ]
    for alarm in found.values():  # a service without any task sends no sample
        assert (alarm["Statistic"], alarm["TreatMissingData"]) == ("SampleCount", "breaching")


def test_an_alarm_on_a_number_in_a_log_has_the_metric_that_the_log_group_publishes() -> None:
    app = synthesis()
    (alarm,) = [
        resource["Properties"]
        for place, resource in app.resources("AWS::CloudWatch::Alarm", STACK).items()
        if "OldestTaskIsTooOld" in place
    ]
    published = app.resource("AWS::Logs::MetricFilter", "production-allthrive-services")
    (transformation,) = published["MetricTransformations"]

    assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Statistic"]) == (300, 5, "Maximum")
    assert (transformation["MetricNamespace"], transformation["MetricName"]) == (
        alarm["Namespace"],
        alarm["MetricName"],
    )
    assert published["FilterPattern"] == "{ $.oldest_task_seconds >= 0 }"
    assert transformation["MetricValue"] == "$.oldest_task_seconds"
