"""A release changes only the parameters of a stack, and names the failure."""

from __future__ import annotations

from typing import Any

import pytest

from products import load
from slipway_cli.release import services
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.target import Target
from tests.support.fake_aws import FakeAws, Refused
from tests.support.manifests import product

DIGEST = "sha256:" + "a" * 64
IMAGE = f"111122223333.dkr.ecr.us-east-1.amazonaws.com/allthrive/backend@{DIGEST}"


class Stack:
    """The Services stack and the web service."""

    def __init__(self, aws: FakeAws, *, ends: str = "UPDATE_COMPLETE", running: int = 2) -> None:
        self.status = "CREATE_COMPLETE"
        self.names = ["BackendImage", "BootstrapVersion", "MigrationImage", "ReleaseVersion", "WebDesiredCount"]
        self.updates: list[dict[str, str]] = []
        self.failures: list[tuple[str, str]] = []
        self._ends = ends
        aws.on("cloudformation.DescribeStacks", self._describe)
        aws.on("cloudformation.DescribeStackEvents", self._events)
        aws.on("cloudformation.UpdateStack", self._update)
        aws.on("ecs.DescribeServices", lambda _: {"services": [{"desiredCount": running}]})
        aws.on("ecs.ListTasks", lambda _: {"taskArns": []})

    def parameters(self) -> dict[str, str]:
        given, found = self.updates[-1], {}
        for index in range(1, 1 + len(self.names)):
            key = given[f"Parameters.member.{index}.ParameterKey"]
            previous = given.get(f"Parameters.member.{index}.UsePreviousValue")
            found[key] = "previous" if previous == "true" else given[f"Parameters.member.{index}.ParameterValue"]
        return found

    def _describe(self, _: dict[str, Any]) -> str:
        parameters = "".join(f"<member><ParameterKey>{name}</ParameterKey></member>" for name in self.names)
        return (
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>x</StackName>"
            f"<CreationTime>2026-11-21T00:00:00Z</CreationTime><StackStatus>{self.status}</StackStatus>"
            f"<Parameters>{parameters}</Parameters></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        )

    def _update(self, given: dict[str, Any]) -> str:
        self.updates.append(given)
        self.status = self._ends
        return "<UpdateStackResponse><UpdateStackResult><StackId>x</StackId></UpdateStackResult></UpdateStackResponse>"

    def _events(self, _: dict[str, Any]) -> str:
        events = [*reversed(self.failures), ("", "")] if self.updates else [("", "")]
        members = "".join(
            f"<member><EventId>{name or 'before'}</EventId><StackId>x</StackId><StackName>x</StackName>"
            f"<Timestamp>2026-11-21T00:00:00Z</Timestamp><LogicalResourceId>{name}</LogicalResourceId>"
            f"<ResourceStatus>{'UPDATE_FAILED' if name else 'CREATE_COMPLETE'}</ResourceStatus>"
            f"<ResourceStatusReason>{why}</ResourceStatusReason></member>"
            for name, why in events
        )
        return (
            "<DescribeStackEventsResponse><DescribeStackEventsResult>"
            f"<StackEvents>{members}</StackEvents></DescribeStackEventsResult></DescribeStackEventsResponse>"
        )


def test_a_release_uses_the_previous_template_and_keeps_every_other_parameter(aws: FakeAws, target: Target) -> None:
    stack = Stack(aws)

    services.deploy(target, "1.2.0", {"backend": IMAGE})

    assert stack.updates[0]["UsePreviousTemplate"] == "true"
    assert stack.parameters() == {
        "BackendImage": IMAGE,
        "BootstrapVersion": "previous",
        "MigrationImage": IMAGE,
        "ReleaseVersion": "1.2.0",
        "WebDesiredCount": "2",
    }


def test_a_service_that_scaled_out_keeps_its_tasks_through_a_release(aws: FakeAws, target: Target) -> None:
    stack = Stack(aws, running=5)

    services.deploy(target, "1.2.0", {"backend": IMAGE})

    assert stack.parameters()["WebDesiredCount"] == "5"


def test_the_first_release_starts_with_the_manifests_count(aws: FakeAws, target: Target) -> None:
    stack = Stack(aws, running=0)

    services.deploy(target, "1.2.0", {"backend": IMAGE})

    assert stack.parameters()["WebDesiredCount"] == "2"


def test_a_failed_release_names_the_first_failure(aws: FakeAws, target: Target) -> None:
    stack = Stack(aws, ends="UPDATE_ROLLBACK_COMPLETE")
    stack.failures = [
        ("WebService", "ECS Deployment Circuit Breaker was triggered"),
        ("CeleryService", "Resource update cancelled"),
    ]

    with pytest.raises(ReleaseError, match="WebService: ECS Deployment Circuit Breaker was triggered") as failed:
        services.deploy(target, "1.2.0", {"backend": IMAGE})

    assert "UPDATE_ROLLBACK_COMPLETE; all services run the old release again" in str(failed.value)
    assert "aws logs tail /ecs/production-allthrive-web" in str(failed.value)


def test_releasing_the_running_release_succeeds(aws: FakeAws, target: Target) -> None:
    Stack(aws)

    def refuse(_: dict[str, Any]) -> str:
        raise Refused("ValidationError", "No updates are to be performed.")

    aws.on("cloudformation.UpdateStack", refuse)

    services.deploy(target, "1.2.0", {"backend": IMAGE})


def test_before_a_deployment_only_the_migrations_image_changes(aws: FakeAws, target: Target) -> None:
    stack = Stack(aws)

    services.offer_migration(target, IMAGE)

    changed = {name for name, value in stack.parameters().items() if value != "previous"}
    assert changed == {"MigrationImage"}


def test_a_release_passes_cloudfronts_name_to_containers_that_need_it(aws: FakeAws) -> None:
    stack = Stack(aws)
    stack.names.append("SiteDomain")
    target = Target(product({"variables": {"HOSTS": "${site.domain}"}}), "production")
    target._outputs[target.stack("edge")] = {"DistributionDomainName": "d1.cloudfront.net"}

    services.deploy(target, "1.2.0", {"backend": IMAGE})
    released = stack.parameters()
    services.offer_migration(target, IMAGE)

    assert released["SiteDomain"] == stack.parameters()["SiteDomain"] == "d1.cloudfront.net"


def test_an_environment_that_is_not_deployed_says_what_to_type(aws: FakeAws) -> None:
    def refuse(_: dict[str, Any]) -> str:
        raise Refused("ValidationError", "Stack with id staging-allthrive-edge does not exist")

    aws.on("cloudformation.DescribeStacks", refuse)

    with pytest.raises(ReleaseError, match=r"npx cdk deploy 'staging/\*' -c product=allthrive"):
        Target(load("allthrive"), "staging").output("edge", "Url")
