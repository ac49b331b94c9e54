"""The build projects of one pipeline, one for each action that builds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from builds import buildspec, site_files
from products import host_release, kubernetes_release, names, site_checks
from products.base import ExistingSecret
from products.compute import size
from products.flows import Action, Delivery, Kind, Stage
from products.frontend import Frontend
from products.variables import written
from slipway import arns
from slipway.artifacts import Artifacts
from slipway.build import Build
from slipway.rights import Allow, everywhere
from stacks.delivery.scope import DeliveryScope

_PLATFORMS = {"arm64": "linux/arm64", "x86_64": "linux/amd64"}
_PUSH = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer",  # for cached layers
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
]


def _secrets(secrets: Mapping[str, ExistingSecret]) -> dict[str, str]:
    """Returns environment variables as CodeBuild reads them from Secrets Manager."""
    return {name: f"{secret.name}:{secret.key}" if secret.key else secret.name for name, secret in secrets.items()}


def _build_variables(frontend: Frontend) -> dict[str, str]:
    """Returns the build's variable that holds those of the frontend, one per line, since a value may have spaces."""
    base = {} if frontend.path == "/" else {"BASE_PATH": frontend.path}
    lines = "".join(f"{name}={written(value)}\n" for name, value in {**base, **frontend.variables}.items())
    return {"BUILD_VARIABLES": lines} if lines else {}


class Builds:
    """Defines the build projects of one pipeline: their buildspecs, variables, rights and timeouts."""

    def __init__(
        self,
        scope: DeliveryScope,
        delivery: Delivery,
        *,
        artifacts: Artifacts,
        reports: s3.IBucket,
    ) -> None:
        self._scope, self._delivery, self._artifacts, self._reports = scope, delivery, artifacts, reports
        # All environments have the same architecture: products/pipeline_checks.py.
        self._architecture = next(iter(scope.product.environments.values())).architecture

    def define(self, stage: Stage, action: Action) -> Build:
        """Define the build project of an action."""
        define = {
            Kind.CHECK: self._check,
            Kind.IMAGE: self._image,
            Kind.BUNDLE: self._bundle,
            Kind.COMPOSE: self._compose,
            Kind.MANIFESTS: self._manifests,
            Kind.SCAN: self._scan,
            Kind.FRONTEND: self._frontend,
            Kind.SMOKE: self._smoke,
            Kind.E2E: self._end_to_end,
        }
        return define[action.kind](stage, action)

    def _build(
        self,
        stage: Stage,
        action: Action,
        spec: Mapping[str, Any] | str,
        variables: Mapping[str, str],
        *,
        secrets: Mapping[str, str] | None = None,
        docker: bool = True,
        role_name: str | None = None,
        statements: Sequence[iam.PolicyStatement] = (),
    ) -> Build:
        purpose = f"{stage.name}{action.name}"
        # The built frontend, what hosts and clusters need, an image's list of packages.
        writes_artifact = action.kind in (Kind.BUNDLE, Kind.COMPOSE, Kind.MANIFESTS, Kind.IMAGE)
        artifacts = self._artifacts.writing() if writes_artifact else self._artifacts.reading()
        return Build(
            self._scope.stack,
            f"{names.pascal(self._delivery.flow_name)}{purpose}",
            name=names.build(self._scope.product.name, self._delivery.flow_name, f"{stage.name}-{action.name}".lower()),
            description=f"{stage.name} of {self._delivery.pipeline}: {action.kind}",
            buildspec=spec,
            architecture=self._architecture,
            size=size(self._scope.product, action),
            docker=docker,
            timeout=cdk.Duration.minutes(action.minutes),
            variables=variables,
            secrets=secrets or {},
            log_retention=self._scope.log_retention,
            role_name=role_name,
            statements=[*artifacts, *statements],
            keep_layers=not writes_artifact,  # the build host may hold layers of another branch's build
        )

    def _check(self, stage: Stage, action: Action) -> Build:
        check = self._scope.settings.checks[action.subject]
        spec = buildspec(check.build) if check.build else str(check.buildspec)
        variables = dict(check.variables)
        built = variables.get("FRONTEND_DIRECTORY" if check.build == "browser" else "DIRECTORY", "frontend")
        for frontend in self._scope.product.sites().values():
            if check.build in ("frontend", "browser") and built == frontend.directory:
                variables = {**_build_variables(frontend), **variables}
                if check.build == "frontend" and self._delivery.built_beside_tests:
                    # The bundle is built by an action beside it, without which no run passes the stage either.
                    variables = {"BUILD_COMMAND": "", **variables}
        if check.secrets and check.build:
            variables["SECRETS"] = " ".join(check.secrets)
        return self._build(stage, action, spec, variables, secrets=_secrets(check.secrets), docker=check.docker)

    def _image(self, stage: Stage, action: Action) -> Build:
        image, tooling = self._scope.product.images[action.subject], self._scope.product.tooling
        pushed, published = self._pushed(action.subject), self._repository(action.subject)
        look = iam.PolicyStatement(
            sid="LookAtReleases", actions=["ecr:DescribeImages"], resources=[self._repository_arn(published)]
        )
        variables = {
            "REPOSITORY_URI": names.repository_uri(tooling.account, tooling.region, pushed),
            "REPOSITORY_OF": "snapshots" if self._delivery.promoted else self._delivery.origin,
            "CONTEXT": image.context,
            "DOCKERFILE": image.dockerfile,
            "PLATFORM": _PLATFORMS[self._architecture],
            "TAGS": " ".join(self._scope.settings.tags),
            "RELEASE_TAG": self._scope.settings.release_tag,
            "VERSION_FILE": self._scope.settings.version_file,
            # The branch that alone may use the repository of what is released.
            "MAIN_BRANCH": self._delivery.branch if self._delivery.promoted else self._scope.product.repository.branch,
        }
        given = image.candidate_secrets if self._delivery.origin == "candidates" else image.build_secrets
        optional = {
            "TARGET": image.target or "",
            "BUILD_ARGS": "".join(f"{key}={value}\n" for key, value in image.build_args.items()),
            "BUILD_SECRETS": " ".join(given),
            "PUBLISHED_URI": names.repository_uri(tooling.account, tooling.region, published),
        }
        if pushed == published:
            del optional["PUBLISHED_URI"]
        secrets = {key.upper(): value for key, value in _secrets(given).items()}
        return self._build(
            stage,
            action,
            buildspec("image"),
            {**variables, **{key: value for key, value in optional.items() if value}},
            secrets=secrets,
            statements=[
                iam.PolicyStatement(sid="PushImage", actions=_PUSH, resources=[self._repository_arn(pushed)]),
                everywhere("ecr:GetAuthorizationToken", sid="LogInToRegistry"),
                *([look] if pushed != published else []),
            ],
        )

    def _bundle(self, stage: Stage, action: Action) -> Build:
        frontend = self._scope.product.sites()[action.site]
        variables = {
            "DIRECTORY": frontend.directory,
            "OUTPUT": frontend.output,
            **({"INSTALL": frontend.install} if frontend.install else {}),
            **({"BUILD": frontend.build} if frontend.build else {}),
            **({"SECRETS": " ".join(frontend.secrets)} if frontend.secrets else {}),
            **_build_variables(frontend),
            **self._place(action.site),
            **({"SOURCE_MAPS": "true"} if frontend.source_maps else {}),
            **({"FILE_ENDINGS": " ".join(frontend.file_endings)} if frontend.file_endings else {}),
        }
        return self._build(stage, action, buildspec("bundle"), variables, secrets=_secrets(frontend.secrets))

    def _compose(self, stage: Stage, action: Action) -> Build:
        expected = host_release.expected(self._scope.product)
        # Docker alone understands compose files completely; the build runs no container.
        return self._build(stage, action, buildspec("compose"), {"COMPOSE": json.dumps(expected)}, docker=False)

    def _manifests(self, stage: Stage, action: Action) -> Build:
        expected = kubernetes_release.expected(self._scope.product)
        return self._build(stage, action, buildspec("kubernetes"), {"KUBERNETES": json.dumps(expected)}, docker=False)

    def _scan(self, stage: Stage, action: Action) -> Build:
        scan = self._scope.settings.scan
        if scan is None:
            raise ValueError("the pipeline has no scan, so it cannot have an action for it")
        accepted = " ".join(f"{finding.id}={finding.until}" for finding in scan.accepted)
        read_scan = ["ecr:DescribeImageScanFindings", "ecr:DescribeImages"]
        # An image that an earlier run of the commit published is not built again.
        places = dict.fromkeys([self._pushed(action.subject), self._repository(action.subject)])
        scanned = [self._repository_arn(name) for name in places]
        return self._build(
            stage,
            action,
            buildspec("scan"),
            {
                "CRITICAL": str(scan.critical),
                "HIGH": str(scan.high),
                **({"ACCEPTED": accepted} if accepted else {}),
            },
            docker=False,
            statements=[iam.PolicyStatement(sid="ReadScan", actions=read_scan, resources=scanned)],
        )

    def _frontend(self, stage: Stage, action: Action) -> Build:
        frontend, environment = (
            self._scope.product.sites()[action.site],
            self._scope.product.environments[action.subject],
        )
        role = names.access_role(action.subject, self._scope.product.name, "publish")
        arn = arns.role(self._scope.stack, environment.account, role)
        return self._build(
            stage,
            action,
            buildspec("publish-frontend"),
            {
                "ROLE_ARN": arn,
                "REGION": environment.region,
                "STACK": names.stack(action.subject, self._scope.product.name, "edge"),
                "KEEP_RELEASES": str(frontend.keep_releases),
                **self._place(action.site),
            },
            docker=False,
            role_name=names.build_role(self._scope.product.name, self._delivery.flow_name, action.subject, action.site),
            statements=[iam.PolicyStatement(sid="ActInTheEnvironment", actions=["sts:AssumeRole"], resources=[arn])],
        )

    def _smoke(self, stage: Stage, action: Action) -> Build:
        smoke = self._scope.settings.smoke
        if smoke is None:
            raise ValueError("the pipeline has no smoke test, so it cannot have an action for it")
        variables = {"COMMAND": smoke.command, "ENVIRONMENT": action.subject}
        return self._build(stage, action, buildspec("smoke"), variables, docker=False)

    def _place(self, site: str) -> dict[str, str]:
        """Returns where a frontend is in the site's bucket, and which folders in it belong to other frontends."""
        sites = self._scope.product.sites()
        others = site_checks.below(self._scope.product, site)
        characters = site_files.PATHS_CHARACTERS // len(sites)
        return {
            **({"BASE_PATH": sites[site].path} if sites[site].path != "/" else {}),
            **({"OTHER_PATHS": " ".join(others)} if others else {}),
            **({"PATHS_CHARACTERS": str(characters)} if len(sites) > 1 else {}),
        }

    def _end_to_end(self, stage: Stage, action: Action) -> Build:
        tests = self._scope.settings.e2e
        if tests is None:
            raise ValueError("the pipeline has no end-to-end tests, so it cannot have a stage for them")
        reports = f"{self._delivery.flow_name}/*"
        return self._build(
            stage,
            action,
            buildspec("e2e"),
            {
                "DIRECTORY": tests.directory,
                "REPORTS_BUCKET": f"{self._reports.bucket_name}/{self._delivery.flow_name}",
                **tests.variables,
            },
            statements=[
                Allow(
                    sid="KeepReport",
                    actions=["s3:PutObject"],
                    resources=[self._reports.arn_for_objects(reports)],
                    because="the browser's report is a folder of files; it lies below the name of its flow",
                )
            ],
        )

    def _repository(self, image: str) -> str:
        """Returns the ECR repository of this flow's published images."""
        name = {
            "main": names.repository,
            "branches": names.branch_repository,
            "candidates": names.candidate_repository,
        }[self._delivery.origin]
        return name(self._scope.product.name, image)

    def _pushed(self, image: str) -> str:
        """Returns the repository that this flow's builds push to: another one if the tests still run."""
        published = self._repository(image)
        return names.build_repository(published) if self._delivery.built_beside_tests else published

    def _repository_arn(self, name: str) -> str:
        tooling = self._scope.product.tooling
        return arns.repository(self._scope.stack, tooling.account, tooling.region, name)
