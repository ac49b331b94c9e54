"""Scheduled tasks of an environment: when they start, with which rights, and who learns of a failure."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.synthesis import Json, Synthesis, statements, synthesis

SERVICES, OBSERVABILITY = "production-allthrive-services", "production-allthrive-observability"
CLEAR: dict[str, Any] = {
    "image": "backend",
    "command": ["python", "manage.py", "clearsessions"],
    "cron": "0 3 * * 1-5",
    "timezone": "Europe/Berlin",
    "size": {"cpu": 256, "memory": 512},
    "user": "10001",
}
OFF = {**CLEAR, "cron": None, "rate": "5 minutes", "timezone": "UTC", "enabled": False}


@pytest.fixture(scope="module")
def app() -> Synthesis:
    return synthesis({"schedules": {"clear-sessions": CLEAR, "off": OFF}})


def schedule(app: Synthesis, name: str) -> Json:
    return app.resource(
        "AWS::Scheduler::Schedule", SERVICES, lambda found: found["Name"] == f"production-allthrive-{name}"
    )


def test_a_schedule_has_the_times_of_the_manifest(app: Synthesis) -> None:
    found = schedule(app, "clear-sessions")

    assert found["ScheduleExpression"] == "cron(0 3 ? * MON-FRI *)"
    assert found["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert found["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule(app, "off")["ScheduleExpression"] == "rate(5 minutes)"


def test_nothing_starts_before_the_first_release(app: Synthesis) -> None:
    assert schedule(app, "clear-sessions")["State"] == {"Fn::If": ["HasBackendImage", "ENABLED", "DISABLED"]}


def test_a_schedule_may_be_kept_without_being_started(app: Synthesis) -> None:
    assert schedule(app, "off")["State"] == "DISABLED"


def test_a_schedule_starts_the_task_definition_of_the_release(app: Synthesis) -> None:
    target = schedule(app, "clear-sessions")["Target"]
    parameters = target["EcsParameters"]
    definition = app[SERVICES]["Resources"][parameters["TaskDefinitionArn"]["Ref"]]["Properties"]
    (container,) = definition["ContainerDefinitions"]

    assert definition["Family"] == "production-allthrive-clear-sessions"
    assert container["Image"] == {"Ref": "BackendImage"}
    assert container["Command"] == ["python", "manage.py", "clearsessions"]
    assert (parameters["Group"], parameters["LaunchType"]) == ("schedule:clear-sessions", "FARGATE")
    assert parameters["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"


def test_a_scheduled_task_has_the_configuration_of_a_service(app: Synthesis) -> None:
    def container(name: str) -> Json:
        definition = app.resource(
            "AWS::ECS::TaskDefinition", SERVICES, lambda found: found["Family"] == f"production-allthrive-{name}"
        )
        return dict(definition["ContainerDefinitions"][0])

    assert container("clear-sessions")["Environment"] == container("celery")["Environment"]
    assert container("clear-sessions")["Secrets"] == container("celery")["Secrets"]


def test_its_log_group_is_named_like_that_of_a_service(app: Synthesis) -> None:
    groups = app.resources("AWS::Logs::LogGroup", SERVICES).values()
    named = {group["Properties"].get("LogGroupName") for group in groups}

    assert "/ecs/production-allthrive-clear-sessions" in named


def test_it_changes_only_after_the_services_run_the_release(app: Synthesis) -> None:
    (resource,) = [
        resource
        for place, resource in app.resources("AWS::Scheduler::Schedule", SERVICES).items()
        if "ClearSessions" in place
    ]
    services = {place.partition("/")[2] for place in app.resources("AWS::ECS::Service", SERVICES)}

    assert services <= set(resource["DependsOn"])
    assert not [name for name in resource["DependsOn"] if "Condition" in app[SERVICES]["Resources"][name]]


def test_its_role_may_start_this_task_in_this_cluster_and_nothing_else(app: Synthesis) -> None:
    found = {
        statement["Sid"]: statement
        for resource, statement in statements(app[SERVICES])
        if resource.startswith("ClearSessionsRole") and "Sid" in statement
    }

    assert set(found) == {"RunTask", "GiveTheTaskItsRoles"}
    assert "task-definition/production-allthrive-clear-sessions:*" in str(found["RunTask"]["Resource"])
    assert "Cluster" in str(found["RunTask"]["Condition"]["ArnEquals"]["ecs:cluster"])
    assert len(found["GiveTheTaskItsRoles"]["Resource"]) == 2
    assert all("ClearSessionsTask" in str(role) for role in found["GiveTheTaskItsRoles"]["Resource"])


def test_only_schedules_of_this_environment_may_use_its_role(app: Synthesis) -> None:
    (role,) = [
        role["Properties"]
        for place, role in app.resources("AWS::IAM::Role", SERVICES).items()
        if "/ClearSessionsRole" in place
    ]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert "schedule-group/production-allthrive" in str(statement["Condition"]["ArnEquals"]["aws:SourceArn"])


def test_people_learn_of_a_task_that_fails_or_does_not_start(app: Synthesis) -> None:
    rule = app.resource("AWS::Events::Rule", OBSERVABILITY)
    detail = rule["EventPattern"]["detail"]

    assert detail["group"] == [{"prefix": "schedule:"}]
    assert detail["lastStatus"] == ["STOPPED"]
    assert {"containers": {"exitCode": [{"anything-but": [0]}]}} in detail["$or"]
    assert {"stopCode": [{"anything-but": ["EssentialContainerExited"]}]} in detail["$or"]
    assert rule["Targets"][0]["Arn"]["Ref"].startswith("AlarmsTopic")
    assert "docs/runbook.md#scheduledtaskfails" in rule["Targets"][0]["InputTransformer"]["InputTemplate"]


def test_an_alarm_watches_what_eventbridge_scheduler_could_not_start(app: Synthesis) -> None:
    alarms = app.resources("AWS::CloudWatch::Alarm", OBSERVABILITY)
    (alarm,) = [alarm["Properties"] for place, alarm in alarms.items() if "ScheduledTaskIsNotStarted" in place]
    metrics = [entry["MetricStat"]["Metric"] for entry in alarm["Metrics"] if "MetricStat" in entry]

    assert {metric["MetricName"] for metric in metrics} == {"InvocationDroppedCount", "TargetErrorCount"}
    assert {str(metric["Dimensions"]) for metric in metrics} == {
        str([{"Name": "ScheduleGroup", "Value": "production-allthrive"}])
    }


def test_an_environment_without_schedules_has_none_of_this() -> None:
    app = synthesis()

    assert not app.resources("AWS::Scheduler::ScheduleGroup")
    assert not app.resources("AWS::Events::Rule", OBSERVABILITY)
