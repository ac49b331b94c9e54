"""Updates the Services stack to a release: same template, new parameters."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from products import names
from products.variables import site_is_released
from slipway_cli.release import endings, migrations
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.target import Target
from slipway_cli.release.verify import verify_tasks

Say = Callable[[str], None]

_POLL_SECONDS = 1.0


@dataclass(frozen=True)
class ServicesRelease:
    """One release to the services of an environment, which ECS runs."""

    target: Target
    version: str
    images: dict[str, str]

    def migrate(self, _say: Say) -> None:
        """Runs the migrations of the release in a task.

        Raises:
            ReleaseError: if it fails; before a deployment the services are unchanged.
        """
        migration = self.target.product.migration
        if migration is None:
            return
        if migration.when == "before_deploy":
            offer_migration(self.target, self.images[migration.image])
        migrations.migrate(self.target, self.version)

    def apply(self, _say: Say) -> None:
        """Runs the images in all services, or leaves all services as they are."""
        deploy(self.target, self.version, self.images)

    def verify(self, _say: Say) -> None:
        """Compares the images of all tasks with those of the release."""
        verify_tasks(self.target, self.images)


def offer_migration(target: Target, image: str) -> None:
    """Sets the image of the migration task, without changing the services.

    Raises:
        ReleaseError: if the stack cannot be updated.
    """
    _update(target, {names.MIGRATION_PARAMETER: image})


def deploy(target: Target, version: str, images: dict[str, str]) -> None:
    """Runs `images` (image to URI with digest) in all services, or leaves all services as they are.

    CloudFormation and ECS's circuit breaker roll back together: after a failure, all services run the old release.

    Raises:
        ReleaseError: if the stack does not reach the release; with the first failure.
    """
    wanted = {names.image_parameter(image): uri for image, uri in images.items()}
    wanted[names.VERSION_PARAMETER] = version
    if target.product.migration:
        wanted[names.MIGRATION_PARAMETER] = images[target.product.migration.image]
    _update(target, wanted | _counts(target))


def _update(target: Target, wanted: dict[str, str]) -> None:
    cloudformation, stack = target.client("cloudformation"), target.stack("services")
    if site_is_released(target.product, target.environment):
        wanted = {**wanted, names.SITE_PARAMETER: target.output("edge", names.SITE_OUTPUT)}
    before = _newest_event(cloudformation, stack)
    try:
        known = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Parameters", [])
        cloudformation.update_stack(
            StackName=stack,
            UsePreviousTemplate=True,
            Parameters=_parameters([parameter["ParameterKey"] for parameter in known], wanted),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        )
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return
        raise ReleaseError(f"cannot update stack {stack}: {error}") from error
    status = _wait(cloudformation, stack)
    if status != "UPDATE_COMPLETE":
        reason = _first_failure(cloudformation, stack, before["EventId"] if before else None)
        ended = endings.described(target, before["Timestamp"]) if before else ""
        raise ReleaseError(
            f"stack {stack} is {status}; all services run the old release again. {reason}\n"
            + (ended or f"To see the logs, type: aws logs tail {_log_group(target)}")
        )


def _log_group(target: Target) -> str:
    """Returns the log group of the first service, which is probably the one that visitors use."""
    return names.log_group(target.environment, target.product.name, next(iter(target.product.services)))


def _parameters(known: list[str], wanted: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"ParameterKey": key, "ParameterValue": wanted[key]}
        if key in wanted
        else {"ParameterKey": key, "UsePreviousValue": True}
        for key in known
    ]


def _counts(target: Target) -> dict[str, str]:
    """Returns the current task counts of scaled services, so that a release under load does not scale them in."""
    ecs, counts = target.client("ecs"), {}
    cluster = names.cluster(target.environment, target.product.name)
    for name, service in target.product.services_in(target.environment).items():
        if service.scaling is None:
            continue
        physical = names.service(target.environment, target.product.name, name)
        found = ecs.describe_services(cluster=cluster, services=[physical])["services"]
        running = int(found[0]["desiredCount"]) if found else 0
        counts[names.count_parameter(name)] = str(max(service.count, running))
    return counts


def _wait(cloudformation: Any, stack: str) -> str:
    while True:
        status = str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(_POLL_SECONDS)


def _newest_event(cloudformation: Any, stack: str) -> dict[str, Any] | None:
    try:
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    except ClientError as error:
        raise ReleaseError(f"cannot read stack {stack}: {error}; deploy it first") from error
    return dict(events[0]) if events else None


def _first_failure(cloudformation: Any, stack: str, since: str | None) -> str:
    """Returns the reason of the oldest failure since an event; later failures follow from it."""
    reasons: list[str] = []
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        for event in page["StackEvents"]:
            if event["EventId"] == since:
                return reasons[-1] if reasons else "CloudFormation gives no reason."
            if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason"):
                reasons.append(f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}")
    return reasons[-1] if reasons else "CloudFormation gives no reason."
