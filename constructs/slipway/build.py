"""A CodeBuild project that a pipeline runs: one purpose, one role, one log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from slipway import arns
from slipway.accepted import accept, accept_aws_key, audits
from slipway.log_retention import accept_log_encryption
from slipway.rights import Allow, give

_IMAGES: dict[str, codebuild.IBuildImage] = {
    "arm64": codebuild.LinuxArmBuildImage.AMAZON_LINUX_2023_STANDARD_3_0,
    "x86_64": codebuild.LinuxBuildImage.AMAZON_LINUX_2023_5,
}
_SECRET = codebuild.BuildEnvironmentVariableType.SECRETS_MANAGER


class Build(codebuild.PipelineProject):
    """A build that writes its log and the reports its buildspec names, and does what `statements` allow, nothing else.

    Default settings:
    - the buildspec stands in the template, so that a reviewer reads what runs; or it is a file of the source;
    - its role is its own, taken by CodeBuild for this project only;
    - its log group has a retention and goes with its stack;
    - `docker`: it may run containers; CodeBuild then runs it privileged, on a machine of its own;
    - `keep_layers`: Docker's layers and images stay on the host for later builds. CodeBuild's reference, ProjectCache,
      calls such a cache "only available to that build host", and does not say that a host is one project's;
    - `secrets`: variables whose values are read from Secrets Manager, as `name` or `name:key`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        description: str,
        buildspec: Mapping[str, Any] | str,
        architecture: str,
        large: bool,
        docker: bool,
        timeout: cdk.Duration,
        variables: Mapping[str, str],
        secrets: Mapping[str, str],
        log_retention: logs.RetentionDays,
        statements: Sequence[iam.PolicyStatement],
        role_name: str | None = None,
        keep_layers: bool = True,
    ) -> None:
        log_group = _define_log_group(scope, construct_id, name, log_retention)
        role = _define_role(scope, construct_id, name, role_name)
        written = [_log(log_group), *(_reports(scope, name) if _has_reports(buildspec) else [])]
        give(role, (*written, *_reads(scope, secrets), *statements))
        super().__init__(
            scope,
            construct_id,
            project_name=name,
            description=description,
            build_spec=_build_spec(buildspec),
            environment=_environment(architecture, large=large, docker=docker),
            cache=codebuild.Cache.local(codebuild.LocalCacheMode.DOCKER_LAYER) if docker and keep_layers else None,
            environment_variables=_variables(variables, secrets),
            timeout=timeout,
            queued_timeout=cdk.Duration.minutes(30),
            logging=codebuild.LoggingOptions(cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=log_group)),
            grant_report_group_permissions=False,
            # The library would add rights by pattern; the role has what it needs.
            role=role.without_policy_updates(),
        )
        self.node.add_dependency(role.node.find_child("DefaultPolicy"))  # it names the role itself, not what it may do
        self._accept()

    def _accept(self) -> None:
        accept_aws_key(self, "AwsSolutions-CB4")
        accept(
            self,
            "its source is the pipeline's artifact; the rule asks every project for GitHub's OAuth, even those without",
            *audits("CodeBuildProjectSourceRepoUrl", "HIPAA", "PCI"),
        )


def _build_spec(buildspec: Mapping[str, Any] | str) -> codebuild.BuildSpec:
    if isinstance(buildspec, str):
        return codebuild.BuildSpec.from_source_filename(buildspec)
    return codebuild.BuildSpec.from_object_to_yaml(dict(buildspec))


def _environment(architecture: str, *, large: bool, docker: bool) -> codebuild.BuildEnvironment:
    return codebuild.BuildEnvironment(
        build_image=_IMAGES[architecture],
        compute_type=codebuild.ComputeType.MEDIUM if large else codebuild.ComputeType.SMALL,
        privileged=docker,
    )


def _variables(plain: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, codebuild.BuildEnvironmentVariable]:
    return {
        **{key: codebuild.BuildEnvironmentVariable(value=value) for key, value in plain.items()},
        **{key: codebuild.BuildEnvironmentVariable(value=value, type=_SECRET) for key, value in secrets.items()},
    }


def _define_log_group(
    scope: Construct, construct_id: str, project: str, log_retention: logs.RetentionDays
) -> logs.LogGroup:
    log_group = logs.LogGroup(
        scope,
        f"{construct_id}Logs",
        log_group_name=f"/aws/codebuild/{project}",
        retention=log_retention,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    accept_log_encryption(log_group)
    return log_group


def _log(log_group: logs.LogGroup) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="WriteLog",
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[log_group.log_group_arn],
    )


def _has_reports(buildspec: Mapping[str, Any] | str) -> bool:
    """Whether a buildspec leaves reports; of one that is a file of the source nobody knows it here."""
    return isinstance(buildspec, str) or "reports" in buildspec


def _reports(scope: Construct, project: str) -> list[iam.PolicyStatement]:
    reports = cdk.Stack.of(scope).format_arn(service="codebuild", resource="report-group", resource_name=f"{project}-*")
    calls = ["BatchPutCodeCoverages", "BatchPutTestCases", "CreateReport", "CreateReportGroup", "UpdateReport"]
    return [
        Allow(
            sid="WriteReports",
            actions=[f"codebuild:{call}" for call in calls],
            resources=[reports],
            because="CodeBuild names a report group after the project and a name that the buildspec gives",
        ),
    ]


def _reads(scope: Construct, secrets: Mapping[str, str]) -> list[iam.PolicyStatement]:
    if not secrets:
        return []
    names = sorted({value.partition(":")[0] for value in secrets.values()})
    return [
        iam.PolicyStatement(
            sid="ReadSecrets",
            actions=["secretsmanager:GetSecretValue"],
            resources=[arns.secret(scope, name) for name in names],
        )
    ]


def _define_role(scope: Construct, construct_id: str, project: str, role_name: str | None) -> iam.Role:
    """Define a role that CodeBuild takes for this project only."""
    stack = cdk.Stack.of(scope)
    arn = stack.format_arn(service="codebuild", resource="project", resource_name=project)
    return iam.Role(
        scope,
        f"{construct_id}Role",
        role_name=role_name,
        description=f"Build {project}",
        assumed_by=iam.ServicePrincipal(
            "codebuild.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": stack.account}, "ArnEquals": {"aws:SourceArn": arn}},
        ),
    )
