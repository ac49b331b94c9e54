"""The CodePipeline pipelines, built from the stages in products/flows.py."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as codepipeline_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from products import names
from products.flows import Action, Delivery, Kind, Stage, build_action
from slipway.pipeline import SOURCE, GitHubSource, ReleasePipeline, Triggers
from slipway.rights import accept_everywhere, everywhere
from stacks.delivery.builds import Builds
from stacks.delivery.functions import Functions
from stacks.delivery.scope import DeliveryScope

_COMPOSE, _MANIFESTS = "Compose", "Manifests"
_BUILT = (
    Kind.CHECK,
    Kind.IMAGE,
    Kind.BUNDLE,
    Kind.COMPOSE,
    Kind.MANIFESTS,
    Kind.SCAN,
    Kind.FRONTEND,
    Kind.SMOKE,
    Kind.E2E,
)


class Pipelines:
    """Defines the pipeline of a flow, with its builds. All pipelines share the functions."""

    def __init__(
        self, scope: DeliveryScope, *, functions: Functions, reports: s3.IBucket, access_logs: s3.IBucket
    ) -> None:
        self._scope, self._functions, self._reports, self._access_logs = scope, functions, reports, access_logs

    def define(self, delivery: Delivery) -> ReleasePipeline:
        """Define a pipeline with all its stages."""
        pipeline = self._pipeline(delivery)
        builds = Builds(self._scope, delivery, artifacts=pipeline.artifacts, reports=self._reports)
        actions = Actions(self._scope, delivery, pipeline=pipeline, builds=builds, functions=self._functions)
        for stage in delivery.stages[1:]:  # ReleasePipeline defines the Source stage itself
            pipeline.add_stage(
                stage_name=stage.name,
                actions=[actions.define(stage, action) for action in stage.actions],
                on_failure=(
                    codepipeline.FailureConditions(result=codepipeline.Result.ROLLBACK) if stage.rolls_back else None
                ),
            )
        return pipeline

    def _pipeline(self, delivery: Delivery) -> ReleasePipeline:
        settings, repository, flow = self._scope.settings, self._scope.product.repository, delivery.flow
        return ReleasePipeline(
            self._scope.stack,
            names.pascal(delivery.flow_name),
            name=delivery.pipeline,
            mode=delivery.mode,
            source=GitHubSource(repository.owner, repository.name, delivery.branch, settings.connection),
            triggers=Triggers(
                branches=flow.branches,
                tags=flow.tags,
                pull_requests_to=flow.pull_requests_to or flow.merged_pull_requests_to,
                merged=bool(flow.merged_pull_requests_to),
                paths=flow.paths,
                ignore_paths=flow.ignore_paths,
            ),
            keep_artifacts=cdk.Duration.days(settings.keep_artifacts_days),
            access_logs=self._access_logs,
        )


# Actions that alarms hold back, if the manifest says so.
_HELD_BACK = frozenset(
    {
        Kind.PREPARE,
        Kind.DEPLOY,
        Kind.MIGRATE_ON_HOST,
        Kind.DEPLOY_TO_HOSTS,
        Kind.MIGRATE_ON_KUBERNETES,
        Kind.DEPLOY_TO_KUBERNETES,
    }
)


class Actions:
    """Defines the actions of one pipeline."""

    def __init__(
        self,
        scope: DeliveryScope,
        delivery: Delivery,
        *,
        pipeline: ReleasePipeline,
        builds: Builds,
        functions: Functions,
    ) -> None:
        self._product, self._delivery, self._pipeline = scope.product, delivery, pipeline
        self._builds, self._functions = builds, functions
        self._bundles = {site: codepipeline.Artifact(f"Bundle{names.pascal(site)}") for site in scope.product.sites()}
        self._compose, self._manifests = codepipeline.Artifact(_COMPOSE), codepipeline.Artifact(_MANIFESTS)
        # What the actions that put a release somewhere read; the job's credentials have the action's rights.
        self._read = {
            Kind.MIGRATE_ON_HOST: self._compose,
            Kind.DEPLOY_TO_HOSTS: self._compose,
            Kind.MIGRATE_ON_KUBERNETES: self._manifests,
            Kind.DEPLOY_TO_KUBERNETES: self._manifests,
        }

    def define(self, stage: Stage, action: Action) -> codepipeline.IAction:
        """Define an action, and its build project if it has one."""
        if action.kind is Kind.APPROVAL:
            return self._approval(stage, action)
        if action.kind in _BUILT:
            return self._build(stage, action)
        return self._call(stage, action)

    def _approval(self, stage: Stage, action: Action) -> codepipeline.IAction:
        stages_before = self._delivery.stages[: self._delivery.stages.index(stage)]
        deployed = [before.name for before in stages_before if before.environment]
        version = self._published("RELEASE_VERSION")
        return codepipeline_actions.ManualApprovalAction(
            action_name=action.name,
            run_order=action.run_order,
            additional_information=f"May {version} (#{{{SOURCE}.CommitId}}) enter {action.subject}?",
            external_entity_link=f"#{{{deployed[-1]}Verify.Url}}" if deployed else None,
            role=self._role(stage, action, []),
        )

    def _build(self, stage: Stage, action: Action) -> codepipeline.IAction:
        uses_bundle = action.kind is Kind.FRONTEND
        variables = self._variables(action)
        project = self._builds.define(stage, action)
        run = iam.PolicyStatement(
            sid="RunBuild",
            actions=["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"],
            resources=[project.project_arn],
        )
        return codepipeline_actions.CodeBuildAction(
            action_name=action.name,
            run_order=action.run_order,
            project=project,
            input=self._bundles[action.site] if uses_bundle else self._pipeline.source,
            outputs=self._outputs(action),
            environment_variables={
                key: codebuild.BuildEnvironmentVariable(value=value) for key, value in variables.items()
            },
            variables_namespace=f"{stage.name}{action.name}",
            role=self._role(stage, action, [run]),
        )

    def _branch(self) -> str:
        """Returns the branch of a run; that of a pull request has a number instead."""
        pull_request = bool(self._delivery.flow.pull_requests_to)
        return f"pull-request-#{{{SOURCE}.PullRequestId}}" if pull_request else f"#{{{SOURCE}.BranchName}}"

    def _outputs(self, action: Action) -> list[codepipeline.Artifact] | None:
        """Returns the artifacts that a build writes."""
        if action.kind is Kind.IMAGE:
            return [codepipeline.Artifact(f"{names.pascal(action.subject)}Packages")]
        if action.kind is Kind.COMPOSE:
            return [self._compose]
        if action.kind is Kind.MANIFESTS:
            return [self._manifests]
        return [self._bundles[action.site]] if action.kind is Kind.BUNDLE else None

    def _variables(self, action: Action) -> dict[str, str]:
        """Returns the variables that an action passes to its build."""
        if action.kind is Kind.IMAGE:
            return {"COMMIT": f"#{{{SOURCE}.CommitId}}", "BRANCH": self._branch()}
        if action.kind is Kind.SCAN:
            return {"IMAGE": self._built(action.subject, "IMAGE")}
        if action.kind is Kind.FRONTEND:
            return {"RELEASE": self._published("RELEASE_VERSION")}
        if action.kind is Kind.SMOKE:
            return {
                "URL": f"#{{{names.pascal(action.subject)}Verify.Url}}",
                "RELEASE_VERSION": self._published("RELEASE_VERSION"),
            }
        if action.kind is Kind.E2E:
            return {
                "BASE_URL": f"#{{{names.pascal(action.subject)}Verify.Url}}",
                "EXPECTED_VERSION": self._published("RELEASE_VERSION"),
                "EXECUTION": "#{codepipeline.PipelineExecutionId}",
            }
        return {}

    def _call(self, stage: Stage, action: Action) -> codepipeline.IAction:
        function = self._functions.define(action, self._delivery.origin)
        if function.role:
            accept_everywhere(function.role)  # the CDK allows it to report the job's result
        call = iam.PolicyStatement(sid="Call", actions=["lambda:InvokeFunction"], resources=[function.function_arn])
        find = everywhere("lambda:ListFunctions", sid="FindFunctions")  # CodePipeline's documentation requires it
        artifact = self._read.get(action.kind)
        read = self._pipeline.artifacts.reading() if artifact else []
        return codepipeline_actions.LambdaInvokeAction(
            action_name=action.name,
            run_order=action.run_order,
            lambda_=function,
            inputs=[artifact] if artifact else None,
            user_parameters={"deadline_minutes": action.minutes, **self._parameters(action)},
            variables_namespace=f"{stage.name}{action.name}",
            role=self._role(stage, action, [call, find, *read]),
        )

    def _parameters(self, action: Action) -> dict[str, object]:
        """Returns the parameters that an action passes to its function."""
        images = [self._image(image) for image in self._product.images]
        version, tag = self._published("RELEASE_VERSION"), self._published("RELEASE_TAG")
        migrated = self._migration_image()
        changed = {names.image_parameter(image): self._image(image) for image in self._product.images}
        parameters: dict[Kind, dict[str, object]] = {
            Kind.PREPARE: {"parameters": migrated, "counts": {}},
            Kind.DEPLOY: {"parameters": {**changed, **migrated, names.VERSION_PARAMETER: version}},
            Kind.MIGRATE: {"image": next(iter(migrated.values()), "")},
            Kind.INVALIDATE: {"paths": self._published_paths(action.subject)},
            Kind.VERIFY: {"version": version, "images": images},
            Kind.MIGRATE_ON_HOST: {"step": "migrate", **self._record()},
            Kind.DEPLOY_TO_HOSTS: {"step": "apply", **self._record()},
            Kind.VERIFY_HOSTS: {"step": "verify", **self._record()},
            Kind.MIGRATE_ON_KUBERNETES: {"step": "migrate", **self._record(manifests=True)},
            Kind.DEPLOY_TO_KUBERNETES: {"step": "apply", **self._record(manifests=True)},
            Kind.VERIFY_KUBERNETES: {"step": "verify", **self._record(manifests=True)},
            Kind.FIND: {"commit": f"#{{{SOURCE}.CommitId}}"},
            Kind.PUBLISH: self._tested(action.subject),
            Kind.PROTECT: {"images": images, "tag": names.in_use_tag(action.subject, "waiting")},
            Kind.PROMOTE: {"images": images, "tag": tag},
            Kind.PUBLIC: {"images": [self._image(image) for image in self._product.public_images()], "tag": tag},
            Kind.RELEASE: {**self._released(), "images": images},
        }
        return {**parameters.get(action.kind, {}), **self._run(action)}

    def _run(self, action: Action) -> dict[str, object]:
        """Returns what a function that alarms hold back needs to know a rollback."""
        if action.kind not in _HELD_BACK or not self._product.environments[action.subject].alarm_gate:
            return {}
        return {"pipeline": self._delivery.pipeline, "run": "#{codepipeline.PipelineExecutionId}"}

    def _record(self, *, manifests: bool = False) -> dict[str, object]:
        """Returns what hosts or clusters run: the release's record."""
        bundle = f"{_MANIFESTS}.MANIFESTS" if manifests else f"{_COMPOSE}.BUNDLE"
        return {
            "version": self._published("RELEASE_VERSION"),
            "commit": f"#{{{SOURCE}.CommitId}}",
            "images": {image: self._image(image) for image in self._product.images},
            "bundle": f"#{{{self._delivery.collected_stage}{bundle}}}",
        }

    def _released(self) -> dict[str, object]:
        """Returns the tag of the release on GitHub, and the commit that gets it."""
        if self._delivery.flow.images_from:
            return {"tag": self._published("GIT_TAG"), "commit": self._published("COMMIT")}
        return {"tag": self._published("RELEASE_TAG"), "commit": f"#{{{SOURCE}.CommitId}}"}

    def _published_paths(self, environment: str) -> str:
        """Returns the paths that the builds of all frontends say, separated by spaces."""
        stage = names.pascal(environment)
        return " ".join(f"#{{{stage}Frontend{names.pascal(site)}.PATHS}}" for site in self._product.sites())

    def _migration_image(self) -> dict[str, str]:
        migration = self._product.migration
        return {names.MIGRATION_PARAMETER: self._image(migration.image)} if migration else {}

    def _tested(self, image: str) -> dict[str, object]:
        """Returns what the build of an image says about it."""
        said = {"image": "IMAGE", "tags": "PUBLISHED_TAGS", "version": "RELEASE_VERSION", "release_tag": "RELEASE_TAG"}
        given = {name: self._built(image, variable) for name, variable in said.items()}
        return {**given, "commit": f"#{{{SOURCE}.CommitId}}"}

    def _built(self, image: str, variable: str) -> str:
        """Returns a variable of an image's build, which may be from before the tests passed."""
        if self._delivery.built_beside_tests:
            return f"#{{Test{build_action(image)}.{variable}}}"
        return self._image(image)

    def _image(self, image: str) -> str:
        if self._delivery.flow.images_from:
            return self._published(names.image_parameter(image))
        return f"#{{Publish{names.pascal(image)}.IMAGE}}"

    def _published(self, variable: str) -> str:
        """Returns a variable of the first image's build; the other images' builds set the same value."""
        if self._delivery.flow.images_from:
            return f"#{{SnapshotFind.{variable}}}"
        return f"#{{Publish{names.pascal(next(iter(self._product.images)))}.{variable}}}"

    def _role(self, stage: Stage, action: Action, statements: list[iam.PolicyStatement]) -> iam.IRole:
        construct_id = f"{names.pascal(self._delivery.flow_name)}{stage.name}{action.name}Action"
        return self._pipeline.action_role(
            construct_id, f"{stage.name}/{action.name} of {self._delivery.pipeline}", statements
        )
