"""The names that operators type. They are documented, so only this module builds them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

BOUNDARY = "slipway-boundary"  # the managed policy that bounds every role of every stack; policy/execution has it
BOOTSTRAP = "cdk-hnb659fds"  # what the names of the CDK's bootstrap roles begin with: its default qualifier
LOAD_BALANCER_LIMIT = 32  # docs.aws.amazon.com/elasticloadbalancing: name of a load balancer
ROLE_LIMIT = 64  # docs.aws.amazon.com/IAM: name of a role
RESERVED_PRODUCTS = frozenset({"amazon", "aws", "cdk", "cdktoolkit", "internal", "slipway", "tooling"})
RESERVED_IMAGES = {
    "branches": "for the repositories of what feature branches build",
    "builds": "for the repositories of what is built before the tests passed",
}
RESERVED_ENVIRONMENTS = {
    "tooling": "for the product's registry and pipelines",
    "internal": "by AWS: no load balancer's name may begin with internal-",
}


def prefix(environment: str, product: str) -> str:
    """Returns the prefix of every name in an environment, e.g. production-allthrive."""
    return f"{environment}-{product}"


def cluster(environment: str, product: str) -> str:
    """The ECS cluster, e.g. production-allthrive-cluster."""
    return f"{prefix(environment, product)}-cluster"


def service(environment: str, product: str, service_name: str) -> str:
    """An ECS service, e.g. production-allthrive-web."""
    return f"{prefix(environment, product)}-{service_name}"


def log_group(environment: str, product: str, service_name: str) -> str:
    """A service's log group, e.g. /ecs/production-allthrive-web."""
    return f"/ecs/{service(environment, product, service_name)}"


def hosts_log_group(environment: str, product: str) -> str:
    """The log group of the containers on hosts, e.g. /hosts/staging-shop."""
    return f"/hosts/{prefix(environment, product)}"


def commands_log_group(environment: str, product: str) -> str:
    """The log group of what releases print on hosts, e.g. /hosts/staging-shop/commands."""
    return f"{hosts_log_group(environment, product)}/commands"


def host_configuration(environment: str, product: str) -> str:
    """The parameter that tells hosts what to run, e.g. /slipway/staging-shop/configuration."""
    return f"/slipway/{prefix(environment, product)}/configuration"


def release_document(environment: str, product: str) -> str:
    """The document that releases on hosts, e.g. staging-shop-release."""
    return f"{prefix(environment, product)}-release"


def join_association(environment: str, product: str) -> str:
    """The association by which new hosts run the current release, e.g. staging-shop-join."""
    return f"{prefix(environment, product)}-join"


def host_tags(environment: str, product: str) -> dict[str, str]:
    """The tags of an environment's hosts, by which commands find them."""
    return {"slipway:product": product, "slipway:environment": environment}


def github_role(environment: str, product: str) -> str:
    """The role GitHub Actions deploy with, e.g. production-allthrive-github-actions-role."""
    return f"{prefix(environment, product)}-github-actions-role"


def repository(product: str, image: str) -> str:
    """The ECR repository of the images that the repository's branch built, e.g. allthrive/backend."""
    return f"{product}/{image}"


def branch_repository(product: str, image: str) -> str:
    """The ECR repository of other branches' images, e.g. allthrive/branches/backend; no image's name has a slash."""
    return f"{product}/branches/{image}"


def candidate_repository(product: str, image: str) -> str:
    """The ECR repository of pull requests' images, e.g. allthrive/candidates/backend; no environment may pull them."""
    return f"{product}/candidates/{image}"


def build_repository(repository_name: str) -> str:
    """The ECR repository of images that wait for their tests, e.g. allthrive/builds/backend for allthrive/backend."""
    product, _, rest = repository_name.partition("/")
    return f"{product}/builds/{rest}"


# What the tags begin with by which the registry keeps images: those in use, and the newest that entered an environment.
IN_USE_TAG, ENTERED_TAG = "in-use-", "entered-"


def in_use_tag(environment: str, use: Literal["waiting", "entering", "running"]) -> str:
    """The tag of the image that an environment is asked to run, is about to run, or runs: in-use-staging-running."""
    return f"{IN_USE_TAG}{environment}-{use}"


def repository_uri(account: str, region: str, repository_name: str) -> str:
    """The repository's URI without a tag, e.g. 111122223333.dkr.ecr.us-east-1.amazonaws.com/allthrive/backend."""
    return f"{account}.dkr.ecr.{region}.amazonaws.com/{repository_name}"


def stack(environment: str, product: str, stack_name: str) -> str:
    """A CloudFormation stack, e.g. production-allthrive-services; tooling-allthrive-registry."""
    return f"{prefix(environment, product)}-{stack_name}"


def alarm_prefix(environment: str, product: str) -> str:
    """The beginning of the names that CloudFormation makes up for an environment's alarms."""
    return f"{stack(environment, product, 'observability')}-"


def alarm_topic(environment: str, product: str) -> str:
    """The topic of an environment's alarms, if services publish to it too, e.g. production-allthrive-alarms."""
    return f"{prefix(environment, product)}-alarms"


def discovery_domain(environment: str, product: str) -> str:
    """The domain in whose names services find each other's tasks, e.g. production-allthrive.internal."""
    return f"{prefix(environment, product)}.internal"


def pipeline(product: str, flow: str) -> str:
    """A pipeline, e.g. allthrive-main."""
    return f"{product}-{flow}"


def build(product: str, flow: str, action: str) -> str:
    """A build project, e.g. allthrive-main-test-backend."""
    return f"{pipeline(product, flow)}-{action}"


def access_role(environment: str, product: str, task: str) -> str:
    """The role that the pipeline assumes in an environment for one task, e.g. production-allthrive-pipeline-deploy."""
    return f"{prefix(environment, product)}-pipeline-{task}"


def handler_role(product: str, environment: str, task: str) -> str:
    """The role of the function that does a task in an environment, e.g. tooling-allthrive-production-deploy."""
    return f"{prefix('tooling', product)}-{environment}-{task}"


def drift_role(product: str) -> str:
    """The role of the function that detects drift in all environments, e.g. tooling-allthrive-drift."""
    return f"{prefix('tooling', product)}-drift"


def environment_stacks(target: str) -> tuple[str, ...]:
    """Returns the stacks of an environment by the last part of their names, in the order of their deployment."""
    running = {"fargate": "services"}.get(target, target)
    return ("network", "data", running, "edge", "observability", "access")


def build_role(product: str, flow: str, environment: str, site: str = "") -> str:
    """The role of the build that publishes a frontend, e.g. tooling-allthrive-main-production-publish."""
    return f"{prefix('tooling', product)}-{flow}-{environment}-publish{f'-{site}' if site else ''}"


def infrastructure_role(product: str, task: str, target: str = "") -> str:
    """The role of a build of the flow `infrastructure`, e.g. tooling-allthrive-infrastructure-staging-deploy."""
    return "-".join(part for part in (prefix("tooling", product), "infrastructure", target, task) if part)


def bootstrap_role(role: str, account: str, region: str) -> str:
    """A role that `cdk bootstrap` creates, e.g. cdk-hnb659fds-deploy-role-111122223333-us-east-1."""
    return f"{BOOTSTRAP}-{role}-role-{account}-{region}"


def pascal(name: str) -> str:
    """Returns a name in the form of construct ids and parameters, e.g. CeleryBeat for celery-beat."""
    return "".join(part.capitalize() for part in name.split("-"))


def image_parameter(image: str) -> str:
    """The parameter of the Services stack that takes an image's digest URI, e.g. BackendImage."""
    return f"{pascal(image)}Image"


def count_parameter(service_name: str) -> str:
    """The parameter of the Services stack that takes a scaled service's task count, e.g. WebDesiredCount."""
    return f"{pascal(service_name)}DesiredCount"


def reserved_services(services: Iterable[str]) -> set[str]:
    """Returns the service names that would collide with other parts of the Services stack."""
    parts = {"cluster", "composed", "load-balancer", "migrate", "password-rotation"}
    return parts | {f"{service}-{part}" for service in services for part in ("task", "logs")}


VERSION_PARAMETER = "ReleaseVersion"
SITE_PARAMETER = "SiteDomain"
SITE_OUTPUT = "DistributionDomainName"  # of the Edge stack; the value of SITE_PARAMETER
FILES_OUTPUT = "SiteFilesArn"  # of the Edge stack; builds/publish-frontend.yml reads it
MIGRATION_PARAMETER = "MigrationImage"  # separate, so that migrations can run before the services change
RELEASES_OUTPUT, TARGETS_OUTPUT = "ReleasesBucket", "TargetGroupArn"  # of the Hosts stack; releases read them
FUNCTION_OUTPUT = "ReleaseFunction"  # of the Kubernetes stack with EKS
UNRELEASED = "unreleased"  # value of an image parameter before the first release: services run no task then


def over_limits(environment: str, product: str) -> list[str]:
    """Returns an error message for each name that is too long for AWS."""
    checks = (
        ("load balancer", prefix(environment, product), LOAD_BALANCER_LIMIT),
        ("role", github_role(environment, product), ROLE_LIMIT),
    )
    return [
        f"the {kind} would be named '{name}', {len(name)} characters; AWS allows {limit}: shorten the product or the "
        f"environment by {len(name) - limit}"
        for kind, name, limit in checks
        if len(name) > limit
    ]
