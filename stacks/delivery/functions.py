"""The Lambda functions that actions invoke: some for each environment, others for releases."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from aws_cdk import aws_iam as iam

from products import flows, host_release, names
from products.flows import Action, Kind, Origin
from products.variables import site_is_released
from slipway import arns
from slipway.handler import Handler
from stacks.delivery.scope import DeliveryScope

_TASKS = {
    Kind.PREPARE: ("deploy", "deploy_release", "Puts a release into the services"),
    Kind.DEPLOY: ("deploy", "deploy_release", "Puts a release into the services"),
    Kind.MIGRATE: ("migrate", "run_migrations", "Runs the migrations once"),
    Kind.INVALIDATE: ("invalidate", "invalidate_cache", "Invalidates CloudFront"),
    Kind.VERIFY: ("verify", "verify_release", "Compares what runs with what should"),
    Kind.MIGRATE_ON_HOST: ("deploy", "deploy_hosts", "Puts a release onto hosts"),
    Kind.DEPLOY_TO_HOSTS: ("deploy", "deploy_hosts", "Puts a release onto hosts"),
    Kind.VERIFY_HOSTS: ("deploy", "deploy_hosts", "Puts a release onto hosts"),
    Kind.MIGRATE_ON_KUBERNETES: ("deploy", "deploy_hosts", "Puts a release into MicroK8s"),
    Kind.DEPLOY_TO_KUBERNETES: ("deploy", "deploy_hosts", "Puts a release into MicroK8s"),
    Kind.VERIFY_KUBERNETES: ("deploy", "deploy_hosts", "Puts a release into MicroK8s"),
}
_PUBLISH = [
    "ecr-public:BatchCheckLayerAvailability",
    "ecr-public:CompleteLayerUpload",
    "ecr-public:DescribeImages",
    "ecr-public:InitiateLayerUpload",
    "ecr-public:PutImage",
    "ecr-public:UploadLayerPart",
]
_WRITE = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
]


class Functions:
    """Defines the functions of actions. All pipelines share a function; each environment has its own."""

    def __init__(self, scope: DeliveryScope) -> None:
        self._scope = scope
        self._defined: dict[str, Handler] = {}

    def define(self, action: Action, origin: Origin) -> Handler:
        """Define the function of an action, or return the one that an earlier action has defined."""
        publish = "PublishBuild" if origin == "main" else "PublishBranchBuild"
        shared: dict[Kind, tuple[str, Callable[[str], Handler]]] = {
            Kind.PUBLISH: (publish, partial(self._publish_build, of_main=origin == "main")),
            Kind.FIND: ("FindSnapshot", self._find),
            Kind.PROTECT: ("Protect", self._protect),
            Kind.PROMOTE: ("Promote", self._promote),
            Kind.PUBLIC: ("PublishImage", self._make_public),
            Kind.RELEASE: ("PublishRelease", self._publish),
        }
        if action.kind in shared:
            construct_id, define = shared[action.kind]
            if construct_id not in self._defined:
                self._defined[construct_id] = define(construct_id)
        else:
            construct_id = f"{names.pascal(action.subject)}{names.pascal(_TASKS[action.kind][0])}"
            if construct_id not in self._defined:
                self._defined[construct_id] = self._task(construct_id, action)
        return self._defined[construct_id]

    def _task(self, construct_id: str, action: Action) -> Handler:
        """Define the function for one task in one environment, which assumes the environment's role for the task."""
        task, name, description = _TASKS[action.kind]
        product, environment = self._scope.product, action.subject
        target = product.environments[environment]
        if target.kubernetes and target.kubernetes.cluster == "eks":
            description = description.replace("MicroK8s", "EKS")
        role = arns.role(self._scope.stack, target.account, names.access_role(environment, product.name, task))
        settings = {"region": target.region, "role": role, **self._task_settings(name, environment)}
        statements = [iam.PolicyStatement(sid="ActInTheEnvironment", actions=["sts:AssumeRole"], resources=[role])]
        if task == "deploy":
            if target.alarm_gate:
                settings["alarms"] = names.alarm_prefix(environment, product.name)
                statements.append(self._see_runs(environment))
            statements.append(self._tag_images(branches=flows.branches_reach(product, environment)))
        return self._scope.handler(
            construct_id,
            name=name,
            description=f"{description}: {environment}",
            settings=json.dumps(settings),
            statements=statements,
            role_name=names.handler_role(product.name, environment, task),
        )

    def _see_runs(self, environment: str) -> iam.PolicyStatement:
        """Returns the statement that lets a function see whether a run is a rollback."""
        product, stack = self._scope.product, self._scope.stack
        pipelines = [
            names.pipeline(product.name, name)
            for name, flow in self._scope.settings.flows.items()
            if environment in flow.stages
        ]
        return iam.PolicyStatement(
            sid="SeeRuns",
            actions=["codepipeline:GetPipelineExecution"],
            resources=[stack.format_arn(service="codepipeline", resource=pipeline) for pipeline in pipelines],
        )

    def _protect(self, construct_id: str) -> Handler:
        """Define the function that keeps images before they wait for an approval."""
        return self._scope.handler(
            construct_id,
            name="protect_image",
            description="Keeps images in the registry while a person decides",
            settings=json.dumps({"entered": names.ENTERED_TAG}),
            statements=[self._tag_images(branches=False)],  # only main's images reach an environment with an approval
        )

    def _promote(self, construct_id: str) -> Handler:
        """Define the function that gives images their release tag."""
        return self._scope.handler(
            construct_id,
            name="promote_image",
            description="Gives images their release tag",
            settings=json.dumps({}),
            statements=[self._tag_images(branches=False)],
        )

    def _make_public(self, construct_id: str) -> Handler:
        """Define the function that copies releases to ECR Public; it needs no password of that registry."""
        product, tooling, stack = self._scope.product, self._scope.product.tooling, self._scope.stack
        repositories = [names.repository(product.name, image) for image in product.public_images()]
        read = iam.PolicyStatement(
            sid="ReadImages",
            actions=["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            resources=[arns.repository(stack, tooling.account, tooling.region, name) for name in repositories],
        )
        write = iam.PolicyStatement(
            sid="PublishImages",
            actions=_PUBLISH,
            resources=[
                stack.format_arn(service="ecr-public", region="", resource="repository", resource_name=name)
                for name in repositories
            ],
        )
        return self._scope.handler(
            construct_id,
            name="publish_image",
            description="Copies releases to ECR Public",
            settings=json.dumps({}),
            statements=[read, write],
            libraries=["images"],
        )

    def _publish_build(self, construct_id: str, *, of_main: bool) -> Handler:
        """Define the function that publishes what builds pushed before the tests: main's images, or other branches'."""
        product, tooling, stack = self._scope.product, self._scope.product.tooling, self._scope.stack
        name = names.repository if of_main else names.branch_repository
        published = [name(product.name, image) for image in product.images]
        repositories = {names.build_repository(repository): repository for repository in published}
        arn = {
            repository: arns.repository(stack, tooling.account, tooling.region, repository)
            for pair in repositories.items()
            for repository in pair
        }
        read = iam.PolicyStatement(
            sid="ReadBuilds",
            actions=["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            resources=[arn[repository] for repository in repositories],
        )
        write = iam.PolicyStatement(
            sid="PublishImages", actions=_WRITE, resources=[arn[repository] for repository in published]
        )
        return self._scope.handler(
            construct_id,
            name="publish_build",
            description=f"Publishes images of {'main' if of_main else 'branches'} whose tests passed",
            settings=json.dumps({"repositories": repositories}),
            statements=[read, write],
            libraries=["images"],
        )

    def _find(self, construct_id: str) -> Handler:
        """Define the function that finds what the flow of another branch built of a commit."""
        product, settings = self._scope.product, self._scope.settings
        tooling = product.tooling
        (flow,) = [flow for flow in settings.flows.values() if flow.images_from]
        source = str(flow.images_from)
        repositories = {image: names.repository(product.name, image) for image in product.images}
        pipeline = names.pipeline(product.name, source)
        read = iam.PolicyStatement(
            sid="ReadImages",
            actions=["ecr:DescribeImages"],
            resources=[
                arns.repository(self._scope.stack, tooling.account, tooling.region, name)
                for name in repositories.values()
            ],
        )
        see = iam.PolicyStatement(
            sid="SeeRuns",
            actions=["codepipeline:ListPipelineExecutions"],
            resources=[self._scope.stack.format_arn(service="codepipeline", resource=pipeline)],
        )
        constants = {
            "repository": f"{product.repository.owner}/{product.repository.name}",
            "secret": settings.github.secret,
            "branch": product.repository.branch,
            "from_branch": settings.flows[source].branches[0],
            "pipeline": pipeline,
            "flow": source,
            "version_file": settings.version_file,
            "release_tag": settings.release_tag,
            "git_tag": settings.git_tag or settings.release_tag,
            "images": {
                names.image_parameter(image): names.repository_uri(tooling.account, tooling.region, name)
                for image, name in repositories.items()
            },
        }
        return self._scope.handler(
            construct_id,
            name="find_snapshot",
            description=f"Finds what {source} built of a commit",
            settings=json.dumps(constants),
            statements=[read, see, *self._scope.github_access()],
        )

    def _tag_images(self, *, branches: bool) -> iam.PolicyStatement:
        """Returns the statement that lets a function put tags on main's images, and on those of other branches.

        PutImage without the rights to upload layers can only tag what is there, and nobody may delete an image.
        """
        product, tooling = self._scope.product, self._scope.product.tooling
        repositories = [names.repository(product.name, image) for image in product.images]
        if branches:
            repositories += [names.branch_repository(product.name, image) for image in product.images]
        return iam.PolicyStatement(
            sid="TagImages",
            actions=["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:PutImage"],
            resources=[
                arns.repository(self._scope.stack, tooling.account, tooling.region, name) for name in repositories
            ],
        )

    def _publish(self, construct_id: str) -> Handler:
        """Define the function that writes the GitHub release."""
        source = self._scope.product.repository
        settings = {"repository": f"{source.owner}/{source.name}", "secret": self._scope.settings.github.secret}
        return self._scope.handler(
            construct_id,
            name="publish_release",
            description="Writes the GitHub release",
            settings=json.dumps(settings),
            statements=self._scope.github_access(),
        )

    def _task_settings(self, name: str, environment: str) -> dict[str, Any]:
        """Returns the settings of the function of this name for an environment."""
        product = self._scope.product
        services = product.services_in(environment)
        cluster = names.cluster(environment, product.name)
        running = {name: names.service(environment, product.name, name) for name in services}
        counts = {
            names.count_parameter(name): {"service": running[name], "minimum": service.count}
            for name, service in services.items()
            if service.scaling
        }
        path = self._scope.settings.report_path
        stacks = {stack: names.stack(environment, product.name, stack) for stack in ("services", "edge")}
        outputs = {names.SITE_PARAMETER: {"stack": stacks["edge"], "output": names.SITE_OUTPUT}}
        protection = {
            "entering": names.in_use_tag(environment, "entering"),
            "running": names.in_use_tag(environment, "running"),
            "entered": names.ENTERED_TAG,
        }
        settings: dict[str, dict[str, Any]] = {
            "deploy_hosts": {
                **host_release.settings(product, environment),
                **({"edge": stacks["edge"]} if flows.needs_url(product, environment) else {}),
                **({"path": path} if path else {}),
                "protection": protection,
            },
            "deploy_release": {
                "stack": stacks["services"],
                "cluster": cluster,
                "counts": counts,
                "protection": protection,
                **({"outputs": outputs} if site_is_released(product, environment) else {}),
            },
            "run_migrations": {"stack": stacks["services"]},
            "invalidate_cache": {"stack": stacks["edge"]},
            "verify_release": {
                **({"stack": stacks["edge"]} if flows.needs_url(product, environment) else {}),
                **({"path": path} if path else {}),
                "cluster": cluster,
                "services": list(running.values()),
            },
        }
        return settings[name]
