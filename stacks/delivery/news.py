"""The functions that react to events of a run: they write to GitHub, notify people, and stop a branch's older run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from products import infrastructure_flow
from products.flows import Delivery
from slipway.accepted import accept, accept_aws_key
from slipway.alarms import Alarms
from slipway.handler import Handler
from slipway.rights import Allow
from stacks.delivery import dashboard, drift
from stacks.delivery.scope import DeliveryScope

_RUN = "CodePipeline Pipeline Execution State Change"
_ACTION = "CodePipeline Action Execution State Change"
_RETENTION = cdk.Duration.days(14)  # the longest that SQS allows


class News:
    """Defines the functions that CodePipeline's events invoke, and the dead-letter queue of these events."""

    def __init__(self, scope: DeliveryScope, deliveries: Sequence[Delivery], *, topic: sns.ITopic) -> None:
        self._scope, self._deliveries, self._topic = scope, deliveries, topic

    def define(self) -> None:
        """Define the functions that report to GitHub, notify people and stop older runs."""
        self._report()
        self._notify()
        self._cancel()
        if self._scope.settings.dashboard:
            dashboard.define(self._scope, self._deliveries, self._undelivered)
        if self._scope.settings.drift:
            drift.define(self._scope, self._scope.settings.drift, self._undelivered)

    @cached_property
    def _undelivered(self) -> sqs.Queue:
        """The dead-letter queue, with its alarm. It is defined on first use."""
        queue = sqs.Queue(
            self._scope.stack,
            "Undelivered",
            retention_period=_RETENTION,
            enforce_ssl=True,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
        )
        accept(
            queue,
            "it is itself where undelivered events go; an alarm rings when there is one",
            "AwsSolutions-SQS3",
            "Serverless-SQSRedrivePolicy",
        )
        accept_aws_key(queue, "CKV_AWS_27")
        Alarms(self._scope.stack, "Alarms", emails=self._scope.settings.notifications.emails).add(
            "PipelineNewsWasLost",
            queue.metric_approximate_number_of_messages_visible(period=cdk.Duration.minutes(5)),
            threshold=1,
            of_minutes=1,
        )
        return queue

    def _report(self) -> None:
        source, releasing = self._scope.product.repository, self._releasing()
        every = [delivery.pipeline for delivery in self._deliveries]
        opening = every if self._scope.settings.github.issues == "all" else [*releasing, *self._infrastructure()]
        handler = self._handler(
            "ReportFailure",
            "report_failure",
            "Keeps one issue for a failing pipeline, marks commits",
            {
                "product": self._scope.product.name,
                "repository": f"{source.owner}/{source.name}",
                "secret": self._scope.settings.github.secret,
                "issues": opening,
                "each_branch": [
                    pipeline for pipeline in opening if pipeline not in (*releasing, *self._infrastructure())
                ],
                **self._elsewhere(),
                "stages": {
                    delivery.pipeline: " ".join(stage.name for stage in delivery.stages)
                    for delivery in self._deliveries
                    if delivery.pipeline in opening
                },
            },
            [self._read_runs(), *self._scope.github_access(), *self._read_logs()],
        )
        self._rule(
            "RunsForGitHub",
            handler,
            _RUN,
            {"pipeline": every},
        )

    def _notify(self) -> None:
        notifications = self._scope.settings.notifications
        secrets = [secret for secret in (notifications.slack_secret, notifications.discord_secret) if secret]
        settings = {
            "product": self._scope.product.name,
            "topic": self._topic.topic_arn if notifications.emails else "",
            "slack_secret": notifications.slack_secret or "",
            "discord_secret": notifications.discord_secret or "",
            "releases": self._releasing(),
        }
        statements = [self._read_runs()]
        if notifications.emails:
            publish = iam.PolicyStatement(sid="Tell", actions=["sns:Publish"], resources=[self._topic.topic_arn])
            statements.append(publish)
        if secrets:
            statements.append(self._scope.read_secrets(secrets))
        handler = self._handler("Notify", "notify", "Tells people what happened and what to do", settings, statements)
        watched = {
            "pipeline": [delivery.pipeline for delivery in self._deliveries if not delivery.flow.pull_requests_to]
        }
        self._rule("EndsForPeople", handler, _RUN, {**watched, "state": ["FAILED", "SUCCEEDED"]})
        approvals = {**watched, "state": ["STARTED"], "type": {"category": ["Approval"]}}
        self._rule("ApprovalsForPeople", handler, _ACTION, approvals)

    def _cancel(self) -> None:
        stopping = [delivery for delivery in self._deliveries if delivery.stop_older]
        if not stopping:
            return
        branch = self._scope.product.repository.branch
        guarded = [
            stage.name
            for delivery in stopping
            for stage in delivery.stages
            if stage.environment and self._scope.product.environments[stage.environment].protected
        ]
        handler = self._handler(
            "CancelSuperseded",
            "cancel_superseded",
            "Stops the older run of a branch or pull request",
            {
                "protected_stages": sorted({*guarded, "Release"}),
                "branches": {delivery.pipeline: branch for delivery in stopping if delivery.of_main},
            },
            [
                self._read_runs(),
                iam.PolicyStatement(
                    sid="StopRuns",
                    actions=["codepipeline:StopPipelineExecution"],
                    resources=[self._arn(delivery) for delivery in stopping],
                ),
            ],
        )
        self._rule(
            "StartsThatReplace",
            handler,
            _RUN,
            {"pipeline": [delivery.pipeline for delivery in stopping], "state": ["STARTED"]},
        )

    def _releasing(self) -> list[str]:
        """Returns the pipelines that publish a release when they succeed."""
        return [delivery.pipeline for delivery in self._deliveries if delivery.stage("Release")]

    def _infrastructure(self) -> list[str]:
        """Returns the pipeline that deploys the stacks, if there is one."""
        return [delivery.pipeline for delivery in self._deliveries if delivery.flow_name == infrastructure_flow.NAME]

    def _elsewhere(self) -> dict[str, Any]:
        """Returns the settings for the pipeline whose commits are in the platform repository."""
        section = infrastructure_flow.settings(self._scope.product)
        if section is None:
            return {}
        found = infrastructure_flow.repository(self._scope.product, section)
        return {
            "repositories": dict.fromkeys(self._infrastructure(), f"{found.owner}/{found.name}"),
            "logs": self._infrastructure(),
        }

    def _arn(self, delivery: Delivery) -> str:
        return self._scope.stack.format_arn(service="codepipeline", resource=delivery.pipeline)

    def _read_runs(self) -> iam.PolicyStatement:
        reads = ["GetPipelineExecution", "ListActionExecutions", "ListPipelineExecutions"]
        return iam.PolicyStatement(
            sid="ReadRuns",
            actions=[f"codepipeline:{action}" for action in reads],
            resources=[self._arn(delivery) for delivery in self._deliveries],
        )

    def _read_logs(self) -> list[Allow]:
        """Returns the statement that lets a function read the logs of the builds that deploy the stacks."""
        groups = [
            self._scope.stack.format_arn(
                service="logs",
                resource="log-group",
                resource_name=f"/aws/codebuild/{pipeline}-*",
                arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
            )
            for pipeline in self._infrastructure()
        ]
        because = "one function reads the logs of all builds of the flow, whose names begin with the pipeline's"
        return (
            [Allow(sid="ReadLogs", actions=["logs:GetLogEvents"], resources=groups, because=because)] if groups else []
        )

    def _handler(
        self,
        construct_id: str,
        name: str,
        description: str,
        settings: Mapping[str, Any],
        statements: Sequence[iam.PolicyStatement],
    ) -> Handler:
        return self._scope.handler(
            construct_id,
            name=name,
            description=description,
            settings=self._scope.stack.to_json_string(dict(settings)),
            statements=statements,
            undelivered=self._undelivered,
        )

    def _rule(self, construct_id: str, handler: Handler, kind: str, detail: Mapping[str, Any]) -> None:
        events.Rule(
            self._scope.stack,
            construct_id,
            event_pattern=events.EventPattern(source=["aws.codepipeline"], detail_type=[kind], detail=dict(detail)),
            targets=[targets.LambdaFunction(handler, dead_letter_queue=self._undelivered)],
        )
