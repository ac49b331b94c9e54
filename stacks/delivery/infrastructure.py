"""The pipeline of the flow `infrastructure`: it deploys the stacks of its product, its own among them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as codepipeline_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from builds import buildspec
from paths import ROOT
from products import infrastructure_flow, names
from products.compute import size
from products.flows import Action, Delivery, Kind, Stage
from products.infrastructure import Infrastructure
from slipway import arns
from slipway.build import Build
from slipway.pipeline import SOURCE, GitHubSource, ReleasePipeline, Triggers
from slipway.rights import Allow, accept_everywhere, everywhere
from stacks.delivery.scope import DeliveryScope

_ASSEMBLY, _REVIEW = "Assembly", "Review"
_REVIEWED = f"{_REVIEW}{_REVIEW}"
"""The namespace of the review's variables."""
_NEEDED = "needed"


def define(
    scope: DeliveryScope, delivery: Delivery, infrastructure: Infrastructure, *, access_logs: s3.IBucket
) -> None:
    """Define the pipeline with its builds and its function."""
    repository = infrastructure_flow.repository(scope.product, infrastructure)
    pipeline = ReleasePipeline(
        scope.stack,
        names.pascal(delivery.flow_name),
        name=delivery.pipeline,
        mode=delivery.mode,
        source=GitHubSource(repository.owner, repository.name, delivery.branch, scope.settings.connection),
        triggers=Triggers(branches=delivery.flow.branches),
        keep_artifacts=cdk.Duration.days(scope.settings.keep_artifacts_days),
        access_logs=access_logs,
        restart_on_update=True,
    )
    actions = _Actions(scope, delivery, infrastructure, pipeline)
    for stage in delivery.stages[1:]:  # ReleasePipeline defines the Source stage itself
        pipeline.add_stage(
            stage_name=stage.name,
            actions=[actions.define(stage, action) for action in stage.actions],
            before_entry=_only_if_needed(stage),
        )


def _only_if_needed(stage: Stage) -> codepipeline.Conditions | None:
    """Returns the condition without which a stage of approval is skipped."""
    (first, *_) = stage.actions
    if first.kind is not Kind.APPROVAL:
        return None
    check = codepipeline.Rule(
        name="AskedFor",
        provider="VariableCheck",
        version="1",
        configuration={
            "Variable": f"#{{{_REVIEWED}.{_variable('APPROVE', first.subject)}}}",
            "Value": _NEEDED,
            "Operator": "EQ",
        },
    )
    return codepipeline.Conditions(conditions=[codepipeline.Condition(result=codepipeline.Result.SKIP, rules=[check])])


class _Actions:
    """Defines the actions of the pipeline."""

    def __init__(
        self, scope: DeliveryScope, delivery: Delivery, infrastructure: Infrastructure, pipeline: ReleasePipeline
    ) -> None:
        self._scope, self._delivery, self._infrastructure = scope, delivery, infrastructure
        self._pipeline, self._product = pipeline, scope.product
        self._assembly, self._review = codepipeline.Artifact(_ASSEMBLY), codepipeline.Artifact(_REVIEW)

    def define(self, stage: Stage, action: Action) -> codepipeline.IAction:
        """Define an action, with its build project or function."""
        if action.kind is Kind.APPROVAL:
            return self._approval(stage, action)
        if action.kind is Kind.COMMENT:
            return self._comment(stage, action)
        define = {
            Kind.CHECK: self._check,
            Kind.POLICY: self._policy,
            Kind.SYNTH: self._synth,
            Kind.REVIEW: self._compare,
            Kind.DEPLOY_STACKS: self._deploy,
        }
        return define[action.kind](stage, action)

    def _approval(self, stage: Stage, action: Action) -> codepipeline.IAction:
        why = f"#{{{_REVIEWED}.{_variable('WHY', action.subject)}}}"
        return codepipeline_actions.ManualApprovalAction(
            action_name=action.name,
            run_order=action.run_order,
            additional_information=f"May #{{{SOURCE}.CommitId}} change the stacks of {action.subject}? {why}",
            external_entity_link=f"#{{{_REVIEW}Comment.Url}}",
            role=self._role(stage, action, []),
        )

    def _check(self, stage: Stage, action: Action) -> codepipeline.IAction:
        return self._checked(stage, action, self._infrastructure.check)

    def _policy(self, stage: Stage, action: Action) -> codepipeline.IAction:
        return self._checked(stage, action, f"make policy PRODUCT={self._product.name}")

    def _checked(self, stage: Stage, action: Action, command: str) -> codepipeline.IAction:
        spec = buildspec("infrastructure-check")
        project = self._project(stage, action, spec, {**self._platform(), "COMMAND": command}, writes=False)
        return self._build(stage, action, project, self._pipeline.source)

    def _synth(self, stage: Stage, action: Action) -> codepipeline.IAction:
        project = self._project(stage, action, buildspec("infrastructure-synth"), self._platform(), writes=True)
        return self._build(stage, action, project, self._pipeline.source, outputs=[self._assembly])

    def _compare(self, stage: Stage, action: Action) -> codepipeline.IAction:
        targets = infrastructure_flow.targets(self._product)
        spec = buildspec("infrastructure-review")
        spec["env"]["exported-variables"] += [
            _variable(kind, target) for target in targets for kind in ("APPROVE", "WHY")
        ]
        readers = {target: "" if target == infrastructure_flow.TOOLING else self._reader(target) for target in targets}
        later = self._delivery.stages[self._delivery.stages.index(stage) + 1 :]
        awaited, actions = infrastructure_flow.awaited(self._product, self._infrastructure)
        project = self._project(
            stage,
            action,
            spec,
            {
                **self._platform(),
                **({"AFTER": awaited, "AFTER_ACTIONS": " ".join(actions)} if awaited else {}),
                "ROLES": self._scope.stack.to_json_string(readers),
                "PIPELINE": self._delivery.pipeline,
                "STAGES": " ".join(following.name for following in later),
                "APPROVAL": self._infrastructure.approval,
                "COST_LIMIT": str(self._infrastructure.cost_limit_usd),
                "MINUTES": str(max(1, action.minutes - 10)),
            },
            writes=True,
            role_name=names.infrastructure_role(self._product.name, "review"),
            statements=[
                iam.PolicyStatement(
                    sid="ReadStacksOfEnvironments",
                    actions=["sts:AssumeRole"],
                    resources=[role for role in readers.values() if role],
                ),
                self._read_tooling(),
                iam.PolicyStatement(
                    sid="SeeOlderRuns",
                    actions=["codepipeline:GetPipelineState"],
                    resources=[self._scope.stack.format_arn(service="codepipeline", resource=self._delivery.pipeline)],
                ),
                *([self._see_tests(awaited)] if awaited else []),
            ],
        )
        variables = {
            "ASSEMBLY": self._synthesized(),
            "EXECUTION": "#{codepipeline.PipelineExecutionId}",
            **({"COMMIT": f"#{{{SOURCE}.CommitId}}"} if awaited else {}),
        }
        return self._build(
            stage,
            action,
            project,
            self._pipeline.source,
            extra=[self._assembly],
            outputs=[self._review],
            variables=variables,
        )

    def _read_tooling(self) -> Allow:
        stacks = self._scope.stack.format_arn(
            service="cloudformation",
            resource="stack",
            resource_name=f"{names.prefix(infrastructure_flow.TOOLING, self._product.name)}-*",
        )
        return Allow(
            sid="ReadToolingStacks",
            actions=["cloudformation:GetTemplate"],
            resources=[stacks],
            because="the review reads each of the product's tooling stacks, and those that the change adds",
        )

    def _see_tests(self, pipeline: str) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            sid="SeeTests",
            actions=["codepipeline:ListActionExecutions", "codepipeline:ListPipelineExecutions"],
            resources=[self._scope.stack.format_arn(service="codepipeline", resource=pipeline)],
        )

    def _reader(self, environment: str) -> str:
        account = self._product.environments[environment].account
        return arns.role(self._scope.stack, account, names.access_role(environment, self._product.name, "review"))

    def _comment(self, stage: Stage, action: Action) -> codepipeline.IAction:
        repository = infrastructure_flow.repository(self._product, self._infrastructure)
        settings = {"repository": f"{repository.owner}/{repository.name}", "secret": self._scope.settings.github.secret}
        function = self._scope.handler(
            "CommentReview",
            name="comment_review",
            description="Writes the review as a comment on the commit",
            settings=json.dumps(settings),
            statements=self._scope.github_access(),
        )
        if function.role:
            accept_everywhere(function.role)  # the CDK allows it to report the job's result
        call = iam.PolicyStatement(sid="Call", actions=["lambda:InvokeFunction"], resources=[function.function_arn])
        find = everywhere("lambda:ListFunctions", sid="FindFunctions")  # CodePipeline's documentation requires it
        return codepipeline_actions.LambdaInvokeAction(
            action_name=action.name,
            run_order=action.run_order,
            lambda_=function,
            inputs=[self._review],
            user_parameters={"deadline_minutes": action.minutes, "commit": f"#{{{SOURCE}.CommitId}}"},
            variables_namespace=f"{stage.name}{action.name}",
            role=self._role(stage, action, [call, find, *self._pipeline.artifacts.reading()]),
        )

    def _deploy(self, stage: Stage, action: Action) -> codepipeline.IAction:
        account, region = infrastructure_flow.place(self._product, action.subject)
        deploy, publish = (
            arns.role(self._scope.stack, account, names.bootstrap_role(role, account, region))
            for role in ("deploy", "file-publishing")
        )
        project = self._project(
            stage,
            action,
            buildspec("infrastructure-deploy"),
            {
                "TARGET": action.subject,
                "DEPLOY_ROLE": deploy,
                "REGION": region,
                **_cli(),
            },
            writes=False,
            role_name=names.infrastructure_role(self._product.name, "deploy", action.subject),
            statements=[
                iam.PolicyStatement(sid="DeployStacks", actions=["sts:AssumeRole"], resources=[deploy, publish])
            ],
        )
        variables = {
            "ASSEMBLY": self._synthesized(),
            "REVIEWED": f"#{{{_REVIEWED}.REVIEWED}}",
            "EXECUTION": "#{codepipeline.PipelineExecutionId}",
        }
        return self._build(stage, action, project, self._assembly, extra=[self._review], variables=variables)

    def _platform(self) -> dict[str, str]:
        return {
            "PRODUCT": self._product.name,
            "DIRECTORY": self._infrastructure.directory,
            "CDK_VERSION": _cli()["CDK_VERSION"],
        }

    def _synthesized(self) -> str:
        return "#{CheckSynth.ASSEMBLY}"

    def _project(
        self,
        stage: Stage,
        action: Action,
        spec: Mapping[str, Any],
        variables: Mapping[str, str],
        *,
        writes: bool,
        role_name: str | None = None,
        statements: Sequence[iam.PolicyStatement] = (),
    ) -> Build:
        artifacts = self._pipeline.artifacts
        return Build(
            self._scope.stack,
            f"{names.pascal(self._delivery.flow_name)}{stage.name}{action.name}",
            name=names.build(self._product.name, self._delivery.flow_name, f"{stage.name}-{action.name}".lower()),
            description=f"{stage.name} of {self._delivery.pipeline}: {action.kind}",
            buildspec=spec,
            architecture="x86_64",
            size=size(self._product, action),
            docker=False,
            timeout=cdk.Duration.minutes(action.minutes),
            variables=variables,
            secrets={},
            log_retention=self._scope.log_retention,
            role_name=role_name,
            statements=[*(artifacts.writing() if writes else artifacts.reading()), *statements],
            keep_layers=False,
        )

    def _build(
        self,
        stage: Stage,
        action: Action,
        project: Build,
        source: codepipeline.Artifact,
        *,
        extra: Sequence[codepipeline.Artifact] = (),
        outputs: Sequence[codepipeline.Artifact] = (),
        variables: Mapping[str, str] | None = None,
    ) -> codepipeline.IAction:
        run = iam.PolicyStatement(
            sid="RunBuild",
            actions=["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"],
            resources=[project.project_arn],
        )
        return codepipeline_actions.CodeBuildAction(
            action_name=action.name,
            run_order=action.run_order,
            project=project,
            input=source,
            extra_inputs=list(extra) or None,
            outputs=list(outputs) or None,
            environment_variables={
                key: codebuild.BuildEnvironmentVariable(value=value) for key, value in (variables or {}).items()
            },
            variables_namespace=f"{stage.name}{action.name}",
            role=self._role(stage, action, [run]),
        )

    def _role(self, stage: Stage, action: Action, statements: list[iam.PolicyStatement]) -> iam.IRole:
        construct_id = f"{names.pascal(self._delivery.flow_name)}{stage.name}{action.name}Action"
        return self._pipeline.action_role(
            construct_id, f"{stage.name}/{action.name} of {self._delivery.pipeline}", statements
        )


def _variable(kind: str, target: str) -> str:
    """Returns the name of a variable of the review, e.g. APPROVE_STAGING."""
    return f"{kind}_{target.upper().replace('-', '_')}"


@cache
def _cli() -> dict[str, str]:
    """Returns the version and the hash of the CDK CLI, as this checkout's package-lock.json pins it."""
    locked = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]["node_modules/aws-cdk"]
    return {"CDK_VERSION": str(locked["version"]), "CDK_INTEGRITY": str(locked["integrity"])}
