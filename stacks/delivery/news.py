"""Who hears of a run: GitHub, people, and the older run that a newer one replaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from products import Product
from products.flows import Delivery
from products.pipeline import Pipeline
from slipway.accepted import accept, accept_aws_key
from slipway.alarms import Alarms
from slipway.handler import Handler
from stacks.delivery.functions import TIMEOUT, github_access, read_secrets

_RUN = "CodePipeline Pipeline Execution State Change"
_ACTION = "CodePipeline Action Execution State Change"
_KEPT = cdk.Duration.days(14)  # the longest SQS keeps a message


def define_news(
    stack: cdk.Stack,
    *,
    product: Product,
    pipeline: Pipeline,
    flows: Sequence[Delivery],
    topic: sns.ITopic,
    log_retention: logs.RetentionDays,
) -> None:
    """Define the functions that CodePipeline's events call."""
    news = _News(stack, product=product, pipeline=pipeline, flows=flows, topic=topic, log_retention=log_retention)
    news.define()


class _News:
    def __init__(
        self,
        stack: cdk.Stack,
        *,
        product: Product,
        pipeline: Pipeline,
        flows: Sequence[Delivery],
        topic: sns.ITopic,
        log_retention: logs.RetentionDays,
    ) -> None:
        self._stack, self._product, self._pipeline, self._flows = stack, product, pipeline, flows
        self._topic, self._log_retention = topic, log_retention
        self._undelivered = sqs.Queue(
            stack,
            "Undelivered",
            retention_period=_KEPT,
            enforce_ssl=True,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
        )
        accept(
            self._undelivered,
            "it is itself where undelivered events go; an alarm rings when there is one",
            "AwsSolutions-SQS3",
            "Serverless-SQSRedrivePolicy",
        )
        accept_aws_key(self._undelivered, "CKV_AWS_27")
        Alarms(stack, "Alarms", emails=pipeline.notifications.emails).add(
            "PipelineNewsWasLost",
            self._undelivered.metric_approximate_number_of_messages_visible(period=cdk.Duration.minutes(5)),
            threshold=1,
            of_minutes=1,
        )

    def define(self) -> None:
        """GitHub, people, older runs."""
        self._report()
        self._notify()
        self._cancel()

    def _report(self) -> None:
        source = self._product.repository
        handler = self._handler(
            "ReportFailure",
            "report_failure",
            "Keeps one issue for a failing pipeline, marks commits",
            {
                "product": self._product.name,
                "repository": f"{source.owner}/{source.name}",
                "secret": self._pipeline.github.secret,
                "issues": self._releasing(),
            },
            [self._read_runs(), *github_access(self._stack, self._pipeline)],
        )
        self._rule("RunsForGitHub", handler, _RUN, {"pipeline": [each.pipeline for each in self._flows]})

    def _notify(self) -> None:
        told = self._pipeline.notifications
        secrets = [each for each in (told.slack_secret, told.discord_secret) if each]
        settings = {
            "product": self._product.name,
            "topic": self._topic.topic_arn if told.emails else "",
            "slack_secret": told.slack_secret or "",
            "discord_secret": told.discord_secret or "",
            "releases": self._releasing(),
        }
        statements = [self._read_runs()]
        if told.emails:
            tell = iam.PolicyStatement(sid="Tell", actions=["sns:Publish"], resources=[self._topic.topic_arn])
            statements.append(tell)
        if secrets:
            statements.append(read_secrets(self._stack, secrets))
        handler = self._handler("Notify", "notify", "Tells people what happened and what to do", settings, statements)
        watched = {"pipeline": [each.pipeline for each in self._flows if not each.trigger.pull_requests_to]}
        self._rule("EndsForPeople", handler, _RUN, {**watched, "state": ["FAILED", "SUCCEEDED"]})
        asks = {**watched, "state": ["STARTED"], "type": {"category": ["Approval"]}}
        self._rule("ApprovalsForPeople", handler, _ACTION, asks)

    def _cancel(self) -> None:
        stopping = [each for each in self._flows if each.stop_older]
        if not stopping:
            return
        branch = self._product.repository.branch
        guarded = [
            stage.name
            for each in stopping
            for stage in each.stages
            if stage.environment and self._product.environments[stage.environment].protected
        ]
        handler = self._handler(
            "CancelSuperseded",
            "cancel_superseded",
            "Stops the older run of a branch or pull request",
            {
                "protected_stages": sorted({*guarded, "Release"}),
                "branches": {each.pipeline: branch for each in stopping if tuple(each.trigger.branches) == (branch,)},
            },
            [
                self._read_runs(),
                iam.PolicyStatement(
                    sid="StopRuns",
                    actions=["codepipeline:StopPipelineExecution"],
                    resources=[self._arn(each) for each in stopping],
                ),
            ],
        )
        self._rule(
            "StartsThatReplace",
            handler,
            _RUN,
            {"pipeline": [each.pipeline for each in stopping], "state": ["STARTED"]},
        )

    def _releasing(self) -> list[str]:
        """The pipelines whose failure is an issue and whose success is a release."""
        return [each.pipeline for each in self._flows if each.stage("Release")]

    def _arn(self, flow: Delivery) -> str:
        return self._stack.format_arn(service="codepipeline", resource=flow.pipeline)

    def _read_runs(self) -> iam.PolicyStatement:
        reads = ["GetPipelineExecution", "ListActionExecutions", "ListPipelineExecutions"]
        return iam.PolicyStatement(
            sid="ReadRuns",
            actions=[f"codepipeline:{action}" for action in reads],
            resources=[self._arn(each) for each in self._flows],
        )

    def _handler(
        self,
        construct_id: str,
        name: str,
        description: str,
        settings: Mapping[str, Any],
        statements: Sequence[iam.PolicyStatement],
    ) -> Handler:
        return Handler(
            self._stack,
            construct_id,
            name=name,
            description=description,
            timeout=TIMEOUT,
            environment={"SETTINGS": self._stack.to_json_string(dict(settings))},
            log_retention=self._log_retention,
            statements=statements,
            undelivered=self._undelivered,
        )

    def _rule(self, construct_id: str, handler: Handler, kind: str, detail: Mapping[str, Any]) -> None:
        events.Rule(
            self._stack,
            construct_id,
            event_pattern=events.EventPattern(source=["aws.codepipeline"], detail_type=[kind], detail=dict(detail)),
            targets=[targets.LambdaFunction(handler, dead_letter_queue=self._undelivered)],
        )
