"""The tested image, and no other, may be released, under the tags that its build chose; no other tag changes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from images import layers
from publish_build import handler
from tests.support.fake_aws import Refused
from tests.support.fake_layers import Storage, digest_of
from tests.support.fake_pipeline import TRANSIENT, Action, in_a_row, played, spent

REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
BUILDS, RELEASES = "shop/builds/app", "shop/app"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
COMMIT_TAG = f"commit-{COMMIT}"
OTHER = digest_of(b"another image")
CONFIG, SMALL, LARGE = b"{}", b"layer", b"0" * (layers._PART + 10)  # LARGE takes two parts
STORED = {digest_of(content): content for content in (CONFIG, SMALL, LARGE)}
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "config": {"digest": digest_of(CONFIG)},
        "layers": [{"digest": digest_of(content)} for content in (SMALL, LARGE)],
    }
)
DIGEST = digest_of(MANIFEST.encode())
TAGS = f"label:{COMMIT_TAG} label:1.2.0-0123456 first:1.2.0 moved:latest"


class Publication(Action):
    """The action, with a registry of two repositories."""

    def __init__(self, **parameters: Any) -> None:
        given = {
            "image": f"{REGISTRY}/{BUILDS}@{DIGEST}",
            "tags": TAGS,
            "version": "1.2.0-0123456",
            "release_tag": "v1.2.0-0123456",
            "commit": COMMIT,
            "repositories": {BUILDS: RELEASES},
        }
        super().__init__(handler.main, given | parameters)
        self.storage = Storage(STORED)
        self.immutable = True
        self.images = {BUILDS: {DIGEST}, RELEASES: set[str]()}
        self.held: dict[str, dict[str, bytes]] = {BUILDS: dict(STORED), RELEASES: {}}
        self.tags: dict[str, str] = {}
        """The tags in the repository of releases."""
        self.uploads: dict[str, list[bytes]] = {}
        for name, answer in (
            ("BatchGetImage", self._manifest),
            ("DescribeImages", self._describe),
            ("BatchCheckLayerAvailability", self._check),
            ("GetDownloadUrlForLayer", self._address),
            ("InitiateLayerUpload", self._begin),
            ("UploadLayerPart", self._add),
            ("CompleteLayerUpload", self._end),
            ("PutImage", self._put),
        ):
            self.on(f"ecr.{name}", answer)

    def small(self) -> None:
        """Leaves the large layer in the repository of releases, since a hundred copies of it take minutes."""
        self.held[RELEASES][digest_of(LARGE)] = LARGE

    def _manifest(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["imageIds"][0]["imageDigest"] not in self.images[given["repositoryName"]]:
            return {"images": [], "failures": [{"failureReason": "Requested image not found"}]}
        return {"images": [{"imageManifest": MANIFEST}], "failures": []}

    def _describe(self, given: dict[str, Any]) -> dict[str, Any]:
        assert given["repositoryName"] == RELEASES
        found = self.tags.get(given["imageIds"][0]["imageTag"])
        if found is None:
            raise Refused("ImageNotFoundException")
        return {"imageDetails": [{"imageDigest": found}]}

    def _check(self, given: dict[str, Any]) -> dict[str, Any]:
        states, held = {True: "AVAILABLE", False: "UNAVAILABLE"}, self.held[given["repositoryName"]]
        asked = given["layerDigests"]
        return {"layers": [{"layerDigest": layer, "layerAvailability": states[layer in held]} for layer in asked]}

    def _address(self, given: dict[str, Any]) -> dict[str, Any]:
        assert given["repositoryName"] == BUILDS
        return {"downloadUrl": f"{self.storage.url}/{given['layerDigest']}"}

    def _begin(self, given: dict[str, Any]) -> dict[str, Any]:
        assert given["repositoryName"] == RELEASES
        name = f"upload-{len(self.uploads)}"
        self.uploads[name] = []
        return {"uploadId": name, "partSize": layers._PART}

    def _add(self, given: dict[str, Any]) -> dict[str, Any]:
        parts = self.uploads[given["uploadId"]]
        if given["partFirstByte"] != sum(map(len, parts)):
            raise Refused("InvalidLayerPartException")
        parts.append(base64.b64decode(given["layerPartBlob"]))
        return {}

    def _end(self, given: dict[str, Any]) -> dict[str, Any]:
        content = b"".join(self.uploads[given["uploadId"]])
        if digest_of(content) not in given["layerDigests"]:
            raise Refused("InvalidLayerException")
        if digest_of(content) in self.held[RELEASES]:
            raise Refused("LayerAlreadyExistsException")
        self.held[RELEASES][digest_of(content)] = content
        return {}

    def _put(self, given: dict[str, Any]) -> dict[str, Any]:
        digest, tag = digest_of(given["imageManifest"].encode()), given["imageTag"]
        assert (given["repositoryName"], digest) == (RELEASES, given["imageDigest"])
        if any(layer not in self.held[RELEASES] for layer in STORED):
            raise Refused("LayersNotFoundException")
        if self.tags.get(tag) == digest:
            raise Refused("ImageAlreadyExistsException")
        if tag in self.tags and (self.immutable or tag != "latest"):
            raise Refused("ImageTagAlreadyExistsException")
        self.images[RELEASES].add(digest)
        self.tags[tag] = digest
        return {"image": {}}


@pytest.fixture(name="action")
def _action(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publication]:
    yield from _installed(Publication(), monkeypatch)


def _installed(action: Publication, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publication]:
    server = action.storage.serve()
    with action.installed(monkeypatch):
        yield action
    server.shutdown()
    server.server_close()


def test_the_published_image_has_the_digest_the_layers_and_the_tags_of_the_build(action: Publication) -> None:
    action.run()

    assert (action.status, action.message) == ("Succeeded", "")
    assert action.held[RELEASES] == STORED
    assert action.tags == dict.fromkeys([COMMIT_TAG, "1.2.0-0123456", "1.2.0", "latest"], DIGEST)
    assert action.variables == {
        "IMAGE": f"{REGISTRY}/{RELEASES}@{DIGEST}",
        "RELEASE_VERSION": "1.2.0-0123456",
        "RELEASE_TAG": "v1.2.0-0123456",
    }


def test_layers_of_earlier_releases_are_not_copied(action: Publication) -> None:
    action.small()

    action.run()

    copied = [given["layerDigest"] for name, given in action.calls if name == "ecr.GetDownloadUrlForLayer"]
    assert copied == [digest_of(CONFIG), digest_of(SMALL)]


def test_an_image_that_is_published_already_gets_its_tags_and_copies_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Publication(image=f"{REGISTRY}/{RELEASES}@{DIGEST}")
    action.images[RELEASES].add(DIGEST)
    action.held[RELEASES] = dict(STORED)
    action.tags[COMMIT_TAG] = DIGEST

    for _ in _installed(action, monkeypatch):
        action.run()

    assert (action.status, action.tags["latest"], action.uploads) == ("Succeeded", DIGEST, {})


def test_another_image_of_the_commit_stops_the_action_before_anything_is_copied(action: Publication) -> None:
    action.tags[COMMIT_TAG] = OTHER

    action.run()

    assert (action.status, action.held[RELEASES], action.tags) == ("Failed", {}, {COMMIT_TAG: OTHER})
    assert "retry the stage that builds it" in action.message


def test_the_tag_of_a_version_and_a_label_stay_on_their_first_image(action: Publication) -> None:
    action.tags |= {"1.2.0": OTHER, "1.2.0-0123456": OTHER}

    action.run()

    assert action.status == "Succeeded"
    assert (action.tags["1.2.0"], action.tags["1.2.0-0123456"], action.tags["latest"]) == (OTHER, OTHER, DIGEST)
    assert f"1.2.0 stays {OTHER}: a version names one image" in action.summary


def test_a_moving_tag_names_the_newest_image(action: Publication) -> None:
    action.immutable = False
    action.tags["latest"] = OTHER

    action.run()

    assert (action.status, action.tags["latest"]) == ("Succeeded", DIGEST)


def test_a_moving_tag_that_cannot_move_says_what_to_deploy(action: Publication) -> None:
    action.tags["latest"] = OTHER

    action.run()

    assert (action.status, action.tags["latest"]) == ("Failed", OTHER)
    assert "deploy the stack Registry" in action.message


def test_a_branchs_tag_that_cannot_move_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Publication(tags=f"label:{COMMIT_TAG} tried:latest")
    action.tags["latest"] = OTHER

    for _ in _installed(action, monkeypatch):
        action.run()

    assert (action.status, action.tags) == ("Succeeded", {COMMIT_TAG: DIGEST, "latest": OTHER})


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"image": f"{REGISTRY}/shop/candidates/app@{DIGEST}"}, "in none of the repositories that builds push to"),
        ({"tags": "latest"}, "parameter 'tags' has 'latest'; write first:<tag>, label:<tag>"),
    ],
)
def test_an_image_of_another_repository_and_an_unknown_tag_are_refused(
    monkeypatch: pytest.MonkeyPatch, parameters: dict[str, str], sentence: str
) -> None:
    action = Publication(**parameters)

    for _ in _installed(action, monkeypatch):
        action.run()

    assert (action.status, action.tags) == ("Failed", {})
    assert sentence in action.message


def test_a_copy_that_takes_longer_than_a_call_goes_on_in_the_next(
    action: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "_SECONDS", -1)

    action.run()

    assert (action.status, action.calls_made) == ("Succeeded", 3)
    assert action.held[RELEASES] == STORED


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_whatever_fails_no_tag_names_another_image(data: st.DataObject) -> None:
    action = Publication()
    action.small()
    faults = st.lists(st.none() | st.sampled_from(TRANSIENT), max_size=4)
    operations = ("InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage", "DescribeImages")
    action.faults = {f"ecr.{name}": data.draw(faults, label=name) for name in operations}
    longest = max(in_a_row(plan) for plan in action.faults.values())
    action.duplicates = data.draw(st.dictionaries(st.integers(0, 2), st.integers(0, 2), max_size=2), label="duplicates")
    action.kills = data.draw(st.sets(st.integers(1, 20), max_size=2), label="killed after")
    server = action.storage.serve()
    try:
        with played(action):
            action.run()
    finally:
        server.shutdown()
        server.server_close()
    assert set(action.tags.values()) <= {DIGEST}
    if action.status == "Succeeded":
        assert set(action.tags) == {COMMIT_TAG, "1.2.0-0123456", "1.2.0", "latest"}
    else:
        assert spent(action, longest)
