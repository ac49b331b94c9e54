"""Alarms that notify people. Each name is a sentence, and each alarm has a section in docs/runbook.md."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from slipway.accepted import accept, accept_aws_key, audits

RUNBOOK = "docs/runbook.md"


class Alarms(Construct):
    """An SNS topic, and the alarms that publish to it when they start and when they end.

    `topic_name`: for a topic to which stacks that are deployed earlier refer; CloudFormation names it otherwise.
    """

    topic: sns.Topic

    def __init__(
        self, scope: Construct, construct_id: str, *, emails: Sequence[str], topic_name: str | None = None
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", topic_name=topic_name, enforce_ssl=True, display_name="Slipway alarms")
        accept_topic(self.topic)
        self._admit_alarms()
        subscribe(self.topic, emails)
        self.alarms: list[cloudwatch.Alarm] = []

    def _admit_alarms(self) -> None:
        # The policy that enforces TLS replaces SNS's default policy, by which the account's alarms may publish:
        # repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger, read on 2026-11-30.
        stack = cdk.Stack.of(self)
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsPublish",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {"aws:SourceArn": stack.format_arn(service="cloudwatch", resource="alarm:*")},
                },
            )
        )

    def add(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float,
        of_minutes: int,
        below: bool = False,
        missing_is_bad: bool = False,
        heading: str | None = None,
    ) -> None:
        """Add an alarm that starts when a metric is at or above its threshold for `of_minutes` minutes.

        With `below`, it starts when the metric is under the threshold. `name` is a sentence, e.g.
        `DatabaseStorageIsLow`; without `heading` it is also the heading in the runbook.
        """
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            evaluation_periods=of_minutes,
            comparison_operator=(
                cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
                if below
                else cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
            ),
            treat_missing_data=(
                cloudwatch.TreatMissingData.BREACHING if missing_is_bad else cloudwatch.TreatMissingData.NOT_BREACHING
            ),
            alarm_description=f"What to do: {RUNBOOK}#{(heading or name).lower()}",
        )
        action = actions.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        self.alarms.append(alarm)


def subscribe(topic: sns.Topic, emails: Sequence[str]) -> None:
    """Subscribe e-mail addresses to a topic."""
    for email in emails:
        subscription = topic.add_subscription(subscriptions.EmailSubscription(email))
        accept(
            subscription,
            "SNS tries an e-mail for hours; nobody reads a queue of those that bounced, and the alarm stays visible",
            "Serverless-SNSRedrivePolicy",
        )


def accept_topic(topic: sns.Topic) -> None:
    """Accept that a topic has no customer-managed key: it sends its messages as e-mail, which is not encrypted."""
    accept_aws_key(topic, *audits("SNSEncryptedKMS"), "CKV_AWS_26")


MINUTE = cdk.Duration.minutes(1)
