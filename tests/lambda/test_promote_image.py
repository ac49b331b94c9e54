"""A release tag names the image that was tested, or it does not exist."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promote_image import handler
from tests.support.fake_aws import Refused
from tests.support.fake_pipeline import TRANSIENT, Action, call_again_within, in_a_row, played, spent

REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
MANIFEST, OTHER = '{"schemaVersion": 2, "of": "this"}', '{"schemaVersion": 2, "of": "other"}'


def digest_of(manifest: str) -> str:
    return f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"


class Promotion(Action):
    """The action, with a fake of ECR in which every tag except `latest` is immutable."""

    def __init__(self, parameters: dict[str, Any] | str | None = None) -> None:
        self.images = [f"{REGISTRY}/allthrive/{name}@{digest_of(MANIFEST)}" for name in ("backend", "prometheus")]
        super().__init__(handler.main, parameters or {"images": self.images, "tag": "v1.3.0"})
        self.manifests = {
            name: {digest_of(manifest): manifest for manifest in (MANIFEST, OTHER)}
            for name in ("allthrive/backend", "allthrive/prometheus")
        }
        self.tags: dict[tuple[str, str], str] = {}
        self.on("ecr.BatchGetImage", self._get)
        self.on("ecr.DescribeImages", self._describe)
        self.on("ecr.PutImage", self._put)

    def _get(self, given: dict[str, Any]) -> dict[str, Any]:
        wanted = given["imageIds"][0]["imageDigest"]
        manifest = self.manifests[given["repositoryName"]].get(wanted)
        if manifest is None:
            return {"images": [], "failures": [{"failureReason": "Requested image not found"}]}
        media = "application/vnd.oci.image.manifest.v1+json"
        assert media in given["acceptedMediaTypes"]
        return {"images": [{"imageManifest": manifest, "imageManifestMediaType": media}], "failures": []}

    def _describe(self, given: dict[str, Any]) -> dict[str, Any]:
        found = self.tags.get((given["repositoryName"], given["imageIds"][0]["imageTag"]))
        if found is None:
            raise Refused("ImageNotFoundException")
        return {"imageDetails": [{"imageDigest": found}]}

    def _put(self, given: dict[str, Any]) -> dict[str, Any]:
        key, digest = (given["repositoryName"], given["imageTag"]), digest_of(given["imageManifest"])
        assert digest == given["imageDigest"]
        if self.tags.get(key) == digest:
            raise Refused("ImageAlreadyExistsException")
        if key in self.tags and given["imageTag"] != "latest":
            raise Refused("ImageTagAlreadyExistsException")
        self.tags[key] = digest
        return {"image": {}}


@pytest.fixture(name="action")
def _action(monkeypatch: pytest.MonkeyPatch) -> Any:
    action = Promotion()
    with action.installed(monkeypatch):
        yield action


def test_every_image_gets_the_tag_with_the_same_manifest(action: Promotion) -> None:
    action.run()

    assert action.status == "Succeeded"
    assert action.tags == {
        ("allthrive/backend", "v1.3.0"): digest_of(MANIFEST),
        ("allthrive/prometheus", "v1.3.0"): digest_of(MANIFEST),
    }


def test_a_tag_that_already_names_the_same_digest_is_a_success(action: Promotion) -> None:
    action.tags = {(f"allthrive/{name}", "v1.3.0"): digest_of(MANIFEST) for name in ("backend", "prometheus")}

    action.run()

    assert action.status == "Succeeded"
    assert "ecr.PutImage" not in action.names()


def test_a_tag_that_names_another_image_fails_before_any_image_is_tagged(action: Promotion) -> None:
    action.tags = {("allthrive/prometheus", "v1.3.0"): digest_of(OTHER)}

    action.run()

    assert action.status == "Failed"
    assert action.tags == {("allthrive/prometheus", "v1.3.0"): digest_of(OTHER)}
    assert "a release's tag never moves; raise the version" in action.message


def test_an_image_that_does_not_exist_is_a_failure(action: Promotion) -> None:
    action.manifests["allthrive/backend"].clear()

    action.run()

    assert (action.status, action.tags) == ("Failed", {})
    assert "Requested image not found" in action.message


def test_a_manifest_whose_bytes_differ_from_its_digest_is_never_tagged(action: Promotion) -> None:
    action.manifests["allthrive/backend"][digest_of(MANIFEST)] = OTHER

    action.run()

    assert (action.status, action.tags) == ("Failed", {})
    assert "do not release it" in action.message


def test_a_registry_that_accepts_a_tag_but_stores_another_digest_is_detected(action: Promotion) -> None:
    def lie(given: dict[str, Any]) -> dict[str, Any]:
        action.tags[(given["repositoryName"], given["imageTag"])] = digest_of(OTHER)
        return {"image": {}}

    action.on("ecr.PutImage", lie)

    action.run()

    assert action.status == "Failed"
    assert "after tagging" in action.message


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize(
    "operation", ["ecr.BatchGetImage", "ecr.DescribeImages", "ecr.PutImage", "codepipeline.PutJobSuccessResult"]
)
def test_a_transient_fault_changes_nothing(action: Promotion, operation: str, fault: str) -> None:
    action.faults[operation] = [fault, fault, None, fault, fault, fault, fault]

    action.run()

    assert (action.status, len(action.tags), action.accepted) == ("Succeeded", 2, 1)


@pytest.mark.parametrize("operation", ["ecr.BatchGetImage", "ecr.DescribeImages", "ecr.PutImage"])
def test_a_missing_permission_fails_at_once(action: Promotion, operation: str) -> None:
    action.faults[operation] = ["denied"]

    action.run()

    assert (action.status, action.kind, action.calls_made) == ("Failed", "PermissionError", 1)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"tag": "v1"}, "parameter 'images' is empty"),
        ({"images": ["backend@sha256:1"], "tag": "v1"}, "must name an image as <registry>/<repository>@"),
        ({"images": [f"{REGISTRY}/a/b:v1"], "tag": "v1"}, "must name an image by digest"),
        ({"images": [f"{REGISTRY}/a@{digest_of('')}"]}, "parameter 'tag' is missing"),
    ],
)
def test_a_wrong_parameter_is_named(action: Promotion, parameters: dict[str, Any], message: str) -> None:
    action.parameters = json.dumps(parameters)

    action.run()

    assert action.kind == "ConfigurationError"
    assert message in action.message


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_whatever_fails_a_tag_names_the_image_or_does_not_exist(data: st.DataObject) -> None:
    action = Promotion()
    faults = st.lists(st.none() | st.sampled_from(TRANSIENT), max_size=5)
    operations = ("ecr.BatchGetImage", "ecr.DescribeImages", "ecr.PutImage", "codepipeline.PutJobSuccessResult")
    action.faults = {name: data.draw(faults, label=name) for name in operations}
    longest = max(in_a_row(plan) for plan in action.faults.values())
    action.duplicates = data.draw(st.dictionaries(st.integers(0, 2), st.integers(0, 2), max_size=2), label="duplicates")
    action.kills = data.draw(st.sets(st.integers(1, 12), max_size=2), label="killed after")
    nested = data.draw(st.none() | st.integers(0, 8), label="duplicate within request")
    with played(action):
        call_again_within(action, nested)
        action.run()

    assert set(action.tags.values()) <= {digest_of(MANIFEST)}
    assert action.status != "Hung" or spent(action, longest)
    assert action.accepted == (action.status != "Hung")
    if longest <= 2:
        assert (action.status, len(action.tags)) == ("Succeeded", 2)
