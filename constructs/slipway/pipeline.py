"""A CodePipeline V2 pipeline of one GitHub repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from slipway.accepted import accept_double_dependency
from slipway.artifacts import Artifacts
from slipway.rights import give

_MODES: Mapping[str, codepipeline.ExecutionMode] = {
    "queued": codepipeline.ExecutionMode.QUEUED,
    "superseded": codepipeline.ExecutionMode.SUPERSEDED,
    "parallel": codepipeline.ExecutionMode.PARALLEL,
}
SOURCE = "Source"


@dataclass(frozen=True)
class GitHubSource:
    """The repository, and the connection through which CodePipeline reads it."""

    owner: str
    repository: str
    branch: str
    """The branch that a manually started run builds."""
    connection_arn: str


@dataclass(frozen=True)
class Triggers:
    """Filters of the pushes or pull requests that start a run; an empty list does not filter."""

    branches: Sequence[str] = ()
    tags: Sequence[str] = ()
    pull_requests_to: Sequence[str] = ()
    merged: bool = False
    """True if pull requests start a run when they are closed, which is when they are merged, or else given up."""
    paths: Sequence[str] = ()
    ignore_paths: Sequence[str] = ()


class ReleasePipeline(codepipeline.Pipeline):
    """A pipeline with a Source stage that reads from GitHub. Add further stages with `add_stage`.

    Default settings:
    - it has its own artifact bucket, so that no build of another pipeline can change what this one deploys;
    - CodePipeline can assume its role for this pipeline only; that role assumes the roles of the actions;
    - `source`: the artifact of the Source stage, for later stages;
    - `restart_on_update`: a deployment that changes the pipeline starts it again with the newest commit.
    """

    source: codepipeline.Artifact
    artifacts: Artifacts

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        mode: str,
        source: GitHubSource,
        triggers: Triggers,
        keep_artifacts: cdk.Duration,
        access_logs: s3.IBucket,
        restart_on_update: bool = False,
    ) -> None:
        artifacts = Artifacts(scope, f"{construct_id}Artifacts", kept=keep_artifacts, access_logs=access_logs)
        self.source = codepipeline.Artifact(SOURCE)
        self._scope, self._own_role = scope, _role(scope, f"{construct_id}Role", name)
        give(self._own_role, artifacts.passing())
        read = self._read(f"{construct_id}SourceRole", source, artifacts.passing())
        super().__init__(
            scope,
            construct_id,
            pipeline_name=name,
            pipeline_type=codepipeline.PipelineType.V2,
            execution_mode=_MODES[mode],
            artifact_bucket=artifacts,
            # The CDK would add statements with wildcards; the role already has all rights it needs.
            role=self._own_role.without_policy_updates(),
            restart_execution_on_update=restart_on_update,
            triggers=[
                codepipeline.TriggerProps(
                    provider_type=codepipeline.ProviderType.CODE_STAR_SOURCE_CONNECTION,
                    git_configuration=_filters(read, triggers),
                )
            ],
            stages=[codepipeline.StageProps(stage_name=SOURCE, actions=[read])],
        )
        self.artifacts = artifacts
        accept_double_dependency(self)
        # The pipeline references the role, but not its policy, without which a run fails.
        self.node.add_dependency(self._own_role.node.find_child("DefaultPolicy"))

    def action_role(self, construct_id: str, description: str, statements: Sequence[iam.PolicyStatement]) -> iam.IRole:
        """Define a role for one action, which only this pipeline's role can assume. The CDK adds no rights to it."""
        role = iam.Role(
            self._scope,
            construct_id,
            description=description,
            assumed_by=iam.ArnPrincipal(self._own_role.role_arn),
        )
        give(role, statements)
        self._own_role.add_to_policy(  # without a sid, so that the statements of all actions become one
            iam.PolicyStatement(actions=["sts:AssumeRole"], resources=[role.role_arn])
        )
        return role.without_policy_updates()

    def _read(
        self, construct_id: str, source: GitHubSource, artifacts: Sequence[iam.PolicyStatement]
    ) -> actions.CodeStarConnectionsSourceAction:
        connect = iam.PolicyStatement(
            sid="UseConnection",
            # AWS checks one of the two names, depending on the age of the connection.
            actions=["codeconnections:UseConnection", "codestar-connections:UseConnection"],
            resources=[source.connection_arn],
        )
        return actions.CodeStarConnectionsSourceAction(
            action_name="GitHub",
            owner=source.owner,
            repo=source.repository,
            branch=source.branch,
            connection_arn=source.connection_arn,
            output=self.source,
            variables_namespace=SOURCE,
            trigger_on_push=False,
            role=self.action_role(construct_id, f"Reads {source.owner}/{source.repository}", [connect, *artifacts]),
        )


def _role(scope: Construct, construct_id: str, pipeline: str) -> iam.Role:
    """Define a role that CodePipeline can assume for this pipeline only."""
    stack = cdk.Stack.of(scope)
    arn = stack.format_arn(service="codepipeline", resource=pipeline)
    return iam.Role(
        scope,
        construct_id,
        description=f"Pipeline {pipeline}",
        assumed_by=iam.ServicePrincipal(
            "codepipeline.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": stack.account}, "ArnEquals": {"aws:SourceArn": arn}},
        ),
    )


def _filters(read: actions.CodeStarConnectionsSourceAction, triggers: Triggers) -> codepipeline.GitConfiguration:
    def unless_empty(patterns: Sequence[str]) -> list[str] | None:
        return list(patterns) or None

    if triggers.pull_requests_to:
        event = codepipeline.GitPullRequestEvent
        request = codepipeline.GitPullRequestFilter(
            branches_includes=unless_empty(triggers.pull_requests_to),
            file_paths_includes=unless_empty(triggers.paths),
            file_paths_excludes=unless_empty(triggers.ignore_paths),
            events=[event.CLOSED] if triggers.merged else [event.OPEN, event.UPDATED],
        )
        return codepipeline.GitConfiguration(source_action=read, pull_request_filter=[request])
    push = codepipeline.GitPushFilter(
        branches_includes=unless_empty(triggers.branches),
        tags_includes=unless_empty(triggers.tags),
        file_paths_includes=unless_empty(triggers.paths),
        file_paths_excludes=unless_empty(triggers.ignore_paths),
    )
    return codepipeline.GitConfiguration(source_action=read, push_filter=[push])
