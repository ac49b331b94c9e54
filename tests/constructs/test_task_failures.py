"""Messages about tasks of a group that fail."""

from __future__ import annotations

from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from slipway.task_failures import TaskFailures, not_started, start_errors
from tests.support.stack import any_vpc, empty_stack, properties


def test_the_message_names_the_task_the_reason_and_the_runbook() -> None:
    stack = empty_stack()
    cluster = ecs.Cluster(stack, "Cluster", vpc=any_vpc(stack))
    TaskFailures(stack, "Failures", cluster=cluster, group_prefix="schedule:", topic=sns.Topic(stack, "Topic"))
    (target,) = properties(Template.from_stack(stack), "AWS::Events::Rule")["Targets"]

    assert set(target["InputTransformer"]["InputPathsMap"].values()) == {
        "$.detail.group",
        "$.detail.stoppedReason",
        "$.detail.stopCode",
        "$.detail.taskArn",
    }
    assert "docs/runbook.md#scheduledtaskfails" in target["InputTransformer"]["InputTemplate"]


def test_failures_are_counted_by_group() -> None:
    for metric, name in ((not_started("shop"), "InvocationDroppedCount"), (start_errors("shop"), "TargetErrorCount")):
        config = metric.to_metric_config().metric_stat
        assert config is not None
        assert (config.namespace, config.metric_name) == ("AWS/Scheduler", name)
        assert [(dimension.name, dimension.value) for dimension in config.dimensions or []] == [
            ("ScheduleGroup", "shop")
        ]
