"""Messages about scheduled tasks that fail."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from constructs import Construct

from slipway.accepted import accept
from slipway.alarms import MINUTE, RUNBOOK

HEADING = "ScheduledTaskFails"
"""The heading in the runbook that the message names."""


class TaskFailures(Construct):
    """Publishes a message when a task of a group fails: with another exit code than 0, or because it does not start.

    The message contains ECS's reason and the task's ARN.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, cluster: ecs.ICluster, group_prefix: str, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, construct_id)
        field = events.EventField.from_path
        message = (
            f"{field('$.detail.group')} failed: {field('$.detail.stoppedReason')} ({field('$.detail.stopCode')}). "
            f"Task {field('$.detail.taskArn')}. What to do: {RUNBOOK}#{HEADING.lower()}"
        )
        rule = events.Rule(
            self,
            "Rule",
            description="Tasks of schedules that fail",
            event_pattern=events.EventPattern(
                source=["aws.ecs"],
                detail_type=["ECS Task State Change"],
                detail={
                    "clusterArn": [cluster.cluster_arn],
                    "group": [{"prefix": group_prefix}],
                    "lastStatus": ["STOPPED"],
                    # A task that does not start has no exit code; one that an operator stops has one.
                    "$or": [
                        {"containers": {"exitCode": [{"anything-but": [0]}]}},
                        {"stopCode": [{"anything-but": ["EssentialContainerExited"]}]},
                    ],
                },
            ),
            targets=[targets.SnsTopic(topic, message=events.RuleTargetInput.from_text(message))],
        )
        accept(
            rule,
            "EventBridge repeats a message to SNS for a day; nobody reads a queue of those that are lost even then",
            "Serverless-EventBusDLQ",
        )


def not_started(group_name: str) -> cloudwatch.IMetric:
    """Returns the number of tasks per minute that EventBridge Scheduler gave up to start, of a group of schedules.

    docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html, 2026-11-30.
    """
    return cloudwatch.Metric(
        namespace="AWS/Scheduler",
        metric_name="InvocationDroppedCount",
        dimensions_map={"ScheduleGroup": group_name},
        period=MINUTE,
        statistic="Sum",
    )


def start_errors(group_name: str) -> cloudwatch.IMetric:
    """Returns the number of ECS's errors per minute when EventBridge Scheduler starts tasks of a group of schedules."""
    return cloudwatch.Metric(
        namespace="AWS/Scheduler",
        metric_name="TargetErrorCount",
        dimensions_map={"ScheduleGroup": group_name},
        period=MINUTE,
        statistic="Sum",
    )
