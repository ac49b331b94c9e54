"""An image that waits for an approval, is about to run, or runs has tags that do not expire."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from deploy_release import handler as deploy_release
from protect_image import handler
from tests.support.fake_aws import Refused
from tests.support.fake_pipeline import TRANSIENT, Action

REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
MANIFESTS = [f'{{"schemaVersion": 2, "of": "{name}"}}' for name in ("new", "old")]
NEW, OLD = (f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" for text in MANIFESTS)
WAITING = "in-use-production-waiting"
PARAMETERS: dict[str, Any] = {
    "images": [f"{REGISTRY}/shop/{name}@{NEW}" for name in ("web", "worker")],
    "tag": WAITING,
    "entered": "entered-",
}
PROTECTION = {"entering": "in-use-staging-entering", "running": "in-use-staging-running", "entered": "entered-"}


class Registry(Action):
    """An action with a fake of ECR, in which tags are immutable unless they begin like one of `moving`."""

    def __init__(self, main: Any, parameters: dict[str, Any]) -> None:
        super().__init__(main, parameters)
        self.moving: tuple[str, ...] = ("in-use-",)
        self.stored = dict(zip((NEW, OLD), MANIFESTS, strict=True))
        self.tags: dict[tuple[str, str], str] = {}
        self.on("ecr.BatchGetImage", self._get)
        self.on("ecr.DescribeImages", self._describe)
        self.on("ecr.PutImage", self._put)

    def _get(self, given: dict[str, Any]) -> dict[str, Any]:
        manifest = self.stored.get(given["imageIds"][0]["imageDigest"])
        if manifest is None:
            return {"images": [], "failures": [{"failureReason": "Requested image not found"}]}
        return {"images": [{"imageManifest": manifest}], "failures": []}

    def _describe(self, given: dict[str, Any]) -> dict[str, Any]:
        found = self.tags.get((given["repositoryName"], given["imageIds"][0]["imageTag"]))
        if found is None:
            raise Refused("ImageNotFoundException")
        return {"imageDetails": [{"imageDigest": found}]}

    def _put(self, given: dict[str, Any]) -> dict[str, Any]:
        key = (given["repositoryName"], given["imageTag"])
        if self.tags.get(key) == given["imageDigest"]:
            raise Refused("ImageAlreadyExistsException")
        if key in self.tags and not given["imageTag"].startswith(self.moving):
            raise Refused("ImageTagAlreadyExistsException")
        self.tags[key] = given["imageDigest"]
        return {"image": {}}


class Deployment(Registry):
    """The deployment of an image to staging, with a fake of CloudFormation that ends as `ends` says."""

    def __init__(self, values: dict[str, str]) -> None:
        parameters = {"stack": "staging-shop-services", "parameters": values, "protection": PROTECTION}
        super().__init__(deploy_release.main, parameters)
        self.ends = "UPDATE_COMPLETE"
        self.values = dict.fromkeys(values, "before")
        self.wanted = values
        self.request = ""
        self.tags_at_update: dict[tuple[str, str], str] | None = None
        self.on("cloudformation.DescribeStacks", self._stacks)
        self.on("cloudformation.DescribeStackEvents", self._events)
        self.on("cloudformation.UpdateStack", self._update)

    def _stacks(self, _: dict[str, Any]) -> str:
        members = "".join(
            f"<member><ParameterKey>{key}</ParameterKey><ParameterValue>{value}</ParameterValue></member>"
            for key, value in self.values.items()
        )
        return (
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackStatus>UPDATE_COMPLETE</StackStatus>"
            f"<Parameters>{members}</Parameters></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        )

    def _events(self, _: dict[str, Any]) -> str:
        event = (
            "<member><StackId>s</StackId><PhysicalResourceId>s</PhysicalResourceId><LogicalResourceId>s</LogicalResourceId>"
            f"<ResourceStatus>{self.ends}</ResourceStatus><ClientRequestToken>{self.request}</ClientRequestToken>"
            "<Timestamp>2026-11-30T00:00:00Z</Timestamp></member>"
        )
        return (
            "<DescribeStackEventsResponse><DescribeStackEventsResult>"
            f"<StackEvents>{event if self.request else ''}</StackEvents>"
            "</DescribeStackEventsResult></DescribeStackEventsResponse>"
        )

    def _update(self, given: dict[str, Any]) -> str:
        self.tags_at_update = dict(self.tags)
        if self.values == self.wanted:
            raise Refused("ValidationError", "No updates are to be performed.")
        self.request = given["ClientRequestToken"]
        if self.ends == "UPDATE_COMPLETE":
            self.values = self.wanted
        return "<UpdateStackResponse><UpdateStackResult/></UpdateStackResponse>"

    def names_of(self, digest: str) -> set[str]:
        """Returns the tags that do not expire of an image."""
        return {tag for (_, tag), found in self.tags.items() if found == digest}


@pytest.fixture(name="action")
def _action(monkeypatch: pytest.MonkeyPatch) -> Any:
    action = Registry(handler.main, PARAMETERS)
    with action.installed(monkeypatch):
        yield action


def deployed(monkeypatch: pytest.MonkeyPatch, release: dict[str, str], **changes: Any) -> Deployment:
    action = Deployment(release)
    vars(action).update(changes)
    with action.installed(monkeypatch):
        action.run()
    return action


def test_every_image_that_waits_gets_both_tags(action: Registry) -> None:
    action.run()

    assert action.status == "Succeeded"
    assert action.tags == {
        (f"shop/{name}", tag): NEW for name in ("web", "worker") for tag in (WAITING, f"entered-{NEW[7:19]}")
    }


def test_the_tag_of_what_waits_moves_from_the_last_release(action: Registry) -> None:
    action.tags = {("shop/web", WAITING): OLD, ("shop/worker", WAITING): OLD}

    action.run()

    assert {digest for (_, tag), digest in action.tags.items() if tag == WAITING} == {NEW}


def test_an_image_that_has_its_tags_is_not_tagged_again(action: Registry) -> None:
    action.run()
    action.calls.clear()
    again = Registry(handler.main, PARAMETERS)
    again.tags = action.tags

    with pytest.MonkeyPatch.context() as patch, again.installed(patch):
        again.run()

    assert (again.status, "ecr.PutImage" in again.names()) == ("Succeeded", False)


def test_a_repository_without_moving_tags_says_which_stack_to_deploy(action: Registry) -> None:
    action.moving = ("none",)
    action.tags = {("shop/web", WAITING): OLD}

    action.run()

    assert action.status == "Failed"
    assert f"the tag {WAITING} of shop/web names another image and cannot move: deploy the stack Registry" in (
        action.message
    )


def test_an_image_that_expired_before_it_could_wait_is_a_failure(action: Registry) -> None:
    action.stored.clear()

    action.run()

    assert (action.status, action.tags) == ("Failed", {})
    assert "Requested image not found" in action.message


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize("operation", ["ecr.BatchGetImage", "ecr.DescribeImages", "ecr.PutImage"])
def test_a_transient_fault_changes_nothing(action: Registry, operation: str, fault: str) -> None:
    action.faults[operation] = [fault, fault, None, fault, fault, fault, fault]

    action.run()

    assert (action.status, len(action.tags)) == ("Succeeded", 4)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"tag": WAITING, "entered": "entered-"}, "parameter 'images' is empty"),
        ({"images": PARAMETERS["images"], "entered": "entered-"}, "parameter 'tag' is missing"),
        ({"images": PARAMETERS["images"], "tag": WAITING}, "parameter 'entered' is missing"),
    ],
)
def test_a_wrong_parameter_is_named(action: Registry, parameters: dict[str, Any], message: str) -> None:
    action.parameters = json.dumps(parameters)

    action.run()

    assert (action.kind, message in action.message) == ("ConfigurationError", True)


RELEASE = {"WebImage": f"{REGISTRY}/shop/web@{NEW}", "ReleaseVersion": "2"}


def test_an_image_is_protected_before_the_stack_changes_and_marked_as_running_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    action = deployed(monkeypatch, RELEASE)

    assert action.status == "Succeeded"
    assert action.tags_at_update == {
        ("shop/web", "in-use-staging-entering"): NEW,
        ("shop/web", f"entered-{NEW[7:19]}"): NEW,
    }
    assert "in-use-staging-running" in action.names_of(NEW)


def test_a_deployment_that_fails_leaves_the_tag_on_the_image_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    running = {("shop/web", "in-use-staging-running"): OLD}
    action = deployed(monkeypatch, RELEASE, ends="UPDATE_ROLLBACK_COMPLETE", tags=running)

    assert action.status == "Failed"
    assert action.names_of(OLD) == {"in-use-staging-running"}


def test_a_release_that_runs_already_is_marked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    action = deployed(monkeypatch, RELEASE, values=dict(RELEASE))

    assert "in-use-staging-running" in action.names_of(NEW)


def test_the_image_of_a_migration_is_protected_and_does_not_take_the_tag_of_what_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running = {("shop/web", "in-use-staging-running"): OLD}
    action = deployed(monkeypatch, {"MigrationImage": f"{REGISTRY}/shop/web@{NEW}"}, tags=running)

    assert action.status == "Succeeded"
    assert action.names_of(NEW) == {"in-use-staging-entering", f"entered-{NEW[7:19]}"}
    assert action.names_of(OLD) == {"in-use-staging-running"}


def test_an_image_that_does_not_exist_is_not_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    action = deployed(monkeypatch, RELEASE, stored={})

    assert (action.status, action.tags_at_update) == ("Failed", None)
