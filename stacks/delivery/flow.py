"""One pipeline: the stages of products/flows.py, as CodePipeline's."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from products import Product, names
from products.flows import Action, Delivery, Kind, Stage
from products.pipeline import Pipeline
from slipway.pipeline import SOURCE, GitHubSource, ReleasePipeline, Triggers
from slipway.rights import accept_everywhere, everywhere
from stacks.delivery.builds import Builds
from stacks.delivery.functions import Functions

_BUNDLE = "Bundle"


def define_pipeline(
    stack: cdk.Stack, *, product: Product, pipeline: Pipeline, flow: Delivery, access_logs: s3.IBucket
) -> ReleasePipeline:
    """Define the pipeline of a flow, with its source and nothing after it."""
    trigger = flow.trigger
    return ReleasePipeline(
        stack,
        names.pascal(flow.flow),
        name=flow.pipeline,
        mode=flow.mode,
        source=GitHubSource(
            product.repository.owner, product.repository.name, product.repository.branch, pipeline.connection
        ),
        triggers=Triggers(
            branches=trigger.branches,
            tags=trigger.tags,
            pull_requests_to=trigger.pull_requests_to,
            paths=trigger.paths,
            ignore_paths=trigger.ignore_paths,
        ),
        keep_artifacts=cdk.Duration.days(pipeline.keep_artifacts_days),
        access_logs=access_logs,
    )


def add_stages(
    pipeline: ReleasePipeline, *, product: Product, flow: Delivery, builds: Builds, functions: Functions
) -> None:
    """Add the stages after the source."""
    draw = _Actions(product, flow, pipeline, builds, functions, codepipeline.Artifact(_BUNDLE))
    for stage in flow.stages[1:]:
        pipeline.add_stage(
            stage_name=stage.name,
            actions=[draw.action(stage, action) for action in stage.actions],
            on_failure=(
                codepipeline.FailureConditions(result=codepipeline.Result.ROLLBACK) if stage.rolls_back else None
            ),
        )


@dataclass(frozen=True)
class _Actions:
    """Draws the actions of one pipeline."""

    product: Product
    flow: Delivery
    pipeline: ReleasePipeline
    builds: Builds
    functions: Functions
    bundle: codepipeline.Artifact

    def action(self, stage: Stage, action: Action) -> codepipeline.IAction:
        if action.kind is Kind.APPROVAL:
            return self._approval(stage, action)
        if action.kind in (Kind.CHECK, Kind.IMAGE, Kind.BUNDLE, Kind.SCAN, Kind.FRONTEND, Kind.E2E):
            return self._build(stage, action)
        return self._call(stage, action)

    def _approval(self, stage: Stage, action: Action) -> codepipeline.IAction:
        tested = [each.name for each in self.flow.stages[: self.flow.stages.index(stage)] if each.environment]
        version = self._published("RELEASE_VERSION")
        return actions.ManualApprovalAction(
            action_name=action.name,
            run_order=action.run_order,
            additional_information=f"May {version} (#{{{SOURCE}.CommitId}}) enter {action.subject}?",
            external_entity_link=f"#{{{tested[-1]}Verify.Url}}" if tested else None,
            role=self._role(stage, action, []),
        )

    def _build(self, stage: Stage, action: Action) -> codepipeline.IAction:
        uses_bundle = action.kind is Kind.FRONTEND
        variables = self._variables(action)
        project = self.builds.define(stage, action)
        run = iam.PolicyStatement(
            sid="RunBuild",
            actions=["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"],
            resources=[project.project_arn],
        )
        return actions.CodeBuildAction(
            action_name=action.name,
            run_order=action.run_order,
            project=project,
            input=self.bundle if uses_bundle else self.pipeline.source,
            outputs=self._left(action),
            environment_variables={
                key: codebuild.BuildEnvironmentVariable(value=value) for key, value in variables.items()
            },
            variables_namespace=f"{stage.name}{action.name}",
            role=self._role(stage, action, [run]),
        )

    def _left(self, action: Action) -> list[codepipeline.Artifact] | None:
        """What a build leaves in the bucket of artifacts."""
        if action.kind is Kind.IMAGE:
            return [codepipeline.Artifact(f"{names.pascal(action.subject)}Packages")]
        return [self.bundle] if action.kind is Kind.BUNDLE else None

    def _variables(self, action: Action) -> dict[str, str]:
        """What a build is told of this run."""
        if action.kind is Kind.IMAGE:
            return {"COMMIT": f"#{{{SOURCE}.CommitId}}", "BRANCH": f"#{{{SOURCE}.BranchName}}"}
        if action.kind is Kind.SCAN:
            return {"IMAGE": self._image(action.subject)}
        if action.kind is Kind.FRONTEND:
            return {"RELEASE": self._published("RELEASE_VERSION")}
        if action.kind is Kind.E2E:
            return {
                "BASE_URL": f"#{{{names.pascal(action.subject)}Verify.Url}}",
                "EXPECTED_VERSION": self._published("RELEASE_VERSION"),
                "EXECUTION": "#{codepipeline.PipelineExecutionId}",
            }
        return {}

    def _call(self, stage: Stage, action: Action) -> codepipeline.IAction:
        handler = {
            Kind.PROMOTE: self.functions.promote,
            Kind.RELEASE: self.functions.publish,
        }.get(action.kind)
        function = handler() if handler else self.functions.of_environment(action.kind, action.subject)
        if function.role:
            accept_everywhere(function.role)  # the library lets it answer jobs
        call = iam.PolicyStatement(sid="Call", actions=["lambda:InvokeFunction"], resources=[function.function_arn])
        find = everywhere("lambda:ListFunctions", sid="FindFunctions")  # as CodePipeline's documentation asks
        return actions.LambdaInvokeAction(
            action_name=action.name,
            run_order=action.run_order,
            lambda_=function,
            user_parameters={"deadline_minutes": action.minutes, **self._parameters(action)},
            variables_namespace=f"{stage.name}{action.name}",
            role=self._role(stage, action, [call, find]),
        )

    def _parameters(self, action: Action) -> dict[str, object]:
        """What a function is told of this run."""
        images = [self._image(image) for image in self.product.images]
        version, tag = self._published("RELEASE_VERSION"), self._published("RELEASE_TAG")
        migrated = self._migration_image()
        changed = {names.image_parameter(image): self._image(image) for image in self.product.images}
        told: dict[Kind, dict[str, object]] = {
            Kind.PREPARE: {"parameters": migrated, "counts": {}},
            Kind.DEPLOY: {"parameters": {**changed, **migrated, names.VERSION_PARAMETER: version}},
            Kind.MIGRATE: {"image": next(iter(migrated.values()), "")},
            Kind.VERIFY: {"version": version, "images": images},
            Kind.PROMOTE: {"images": images, "tag": tag},
            Kind.RELEASE: {"tag": tag, "commit": f"#{{{SOURCE}.CommitId}}", "images": images},
        }
        return told.get(action.kind, {})

    def _migration_image(self) -> dict[str, str]:
        migration = self.product.migration
        return {names.MIGRATION_PARAMETER: self._image(migration.image)} if migration else {}

    def _image(self, image: str) -> str:
        return f"#{{Publish{names.pascal(image)}.IMAGE}}"

    def _published(self, variable: str) -> str:
        """What the first image's build says; the others say the same."""
        return f"#{{Publish{names.pascal(next(iter(self.product.images)))}.{variable}}}"

    def _role(self, stage: Stage, action: Action, statements: list[iam.PolicyStatement]) -> iam.IRole:
        construct_id = f"{names.pascal(self.flow.flow)}{stage.name}{action.name}Action"
        return self.pipeline.action_role(
            construct_id, f"{stage.name}/{action.name} of {self.flow.pipeline}", statements
        )
