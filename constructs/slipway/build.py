"""A CodeBuild project that a pipeline runs, with its own role and log group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

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
_LAMBDA_IMAGES: dict[str, codebuild.IBuildImage] = {
    "arm64": codebuild.LinuxArmLambdaBuildImage.AMAZON_LINUX_2023_PYTHON_3_13,
    "x86_64": codebuild.LinuxLambdaBuildImage.AMAZON_LINUX_2023_PYTHON_3_13,
}
_SIZES = {
    "lambda": codebuild.ComputeType.LAMBDA_2GB,
    "small": codebuild.ComputeType.SMALL,
    "medium": codebuild.ComputeType.MEDIUM,
    "large": codebuild.ComputeType.LARGE,
}
Size = Literal["lambda", "small", "medium", "large"]
_SECRET = codebuild.BuildEnvironmentVariableType.SECRETS_MANAGER


class Build(codebuild.PipelineProject):
    """A build that may write its log and its buildspec's reports, and do what `statements` allow; nothing else.

    Default settings:
    - the template contains the buildspec, so that reviewers see it; or it is a file of the source;
    - CodeBuild can assume its role for this project only;
    - its log group has a retention and is deleted with its stack;
    - `size`: `lambda` starts in seconds and does not queue, but runs no containers; CodeBuild ends it after 15 minutes
      and accepts no other limit;
    - `docker`: it may run containers; CodeBuild then runs it in privileged mode, on a separate machine;
    - `keep_layers`: Docker's layers and images stay on the build host for later builds. CodeBuild's reference,
      ProjectCache, calls such a cache "only available to that build host", but does not say that only one project uses
      a host;
    - `secrets`: environment variables with values from Secrets Manager, as `name` or `name:key`.
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
        size: Size,
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
        writes = [_log(log_group), *(_reports(scope, name) if _has_reports(buildspec) else [])]
        give(role, (*writes, *_reads(scope, secrets), *statements))
        super().__init__(
            scope,
            construct_id,
            project_name=name,
            description=description,
            build_spec=_build_spec(buildspec),
            environment=_environment(architecture, size=size, docker=docker),
            cache=codebuild.Cache.local(codebuild.LocalCacheMode.DOCKER_LAYER) if docker and keep_layers else None,
            environment_variables=_variables(variables, secrets),
            timeout=None if size == "lambda" else timeout,
            queued_timeout=None if size == "lambda" else cdk.Duration.minutes(30),
            logging=codebuild.LoggingOptions(cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=log_group)),
            grant_report_group_permissions=False,
            # The CDK would add statements with wildcards; the role already has all rights it needs.
            role=role.without_policy_updates(),
        )
        # The project references the role, but not its policy, without which a build fails.
        self.node.add_dependency(role.node.find_child("DefaultPolicy"))
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


def _environment(architecture: str, *, size: Size, docker: bool) -> codebuild.BuildEnvironment:
    return codebuild.BuildEnvironment(
        build_image=(_LAMBDA_IMAGES if size == "lambda" else _IMAGES)[architecture],
        compute_type=_SIZES[size],
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
    """True if a buildspec writes reports, or may write them because it is a file of the source."""
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
    """Define a role that CodeBuild can assume for this project only."""
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
