"""A release in ECR Public is the image that was released, layer by layer, or its tag does not exist."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from images import layers
from publish_image import handler
from tests.support.fake_aws import Refused
from tests.support.fake_layers import Storage, digest_of
from tests.support.fake_pipeline import TRANSIENT, Action, in_a_row, played, spent

REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
CONFIG, SMALL, LARGE = b"{}", b"layer", b"0" * (layers._PART + 10)  # LARGE takes two parts


STORED = {digest_of(content): content for content in (CONFIG, SMALL, LARGE)}
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "config": {"digest": digest_of(CONFIG)},
        "layers": [{"digest": digest_of(content)} for content in (SMALL, LARGE, SMALL)],
    }
)
DIGEST = digest_of(MANIFEST.encode())
IMAGE = f"{REGISTRY}/shop/app@{DIGEST}"


class Publication(Action):
    """The action, with fakes of both registries."""

    def __init__(self, images: list[str] | None = None) -> None:
        super().__init__(handler.main, {"images": images or [IMAGE], "tag": "v1.3.0"})
        self.storage = Storage(STORED)
        self.manifest = MANIFEST
        self.public: dict[str, bytes] = {}
        self.tags: dict[str, str] = {}
        self.uploads: dict[str, list[bytes]] = {}
        self.on("ecr.BatchGetImage", self._manifest)
        self.on(
            "ecr.GetDownloadUrlForLayer", lambda given: {"downloadUrl": f"{self.storage.url}/{given['layerDigest']}"}
        )
        self.on("ecrpublic.DescribeImages", self._describe)
        self.on("ecrpublic.BatchCheckLayerAvailability", self._check)
        self.on("ecrpublic.InitiateLayerUpload", self._begin)
        self.on("ecrpublic.UploadLayerPart", self._add)
        self.on("ecrpublic.CompleteLayerUpload", self._end)
        self.on("ecrpublic.PutImage", self._put)

    def small(self) -> None:
        """Makes the large layer public already, since a hundred copies of it take minutes."""
        self.public[digest_of(LARGE)] = LARGE

    def _manifest(self, _given: dict[str, Any]) -> dict[str, Any]:
        return {"images": [{"imageManifest": self.manifest}], "failures": []}

    def _describe(self, given: dict[str, Any]) -> dict[str, Any]:
        found = self.tags.get(given["imageIds"][0]["imageTag"])
        if found is None:
            raise Refused("ImageNotFoundException")
        return {"imageDetails": [{"imageDigest": found}]}

    def _check(self, given: dict[str, Any]) -> dict[str, Any]:
        states = {True: "AVAILABLE", False: "UNAVAILABLE"}
        return {
            "layers": [
                {"layerDigest": digest, "layerAvailability": states[digest in self.public]}
                for digest in given["layerDigests"]
            ]
        }

    def _begin(self, _given: dict[str, Any]) -> dict[str, Any]:
        name = f"upload-{len(self.uploads)}"
        self.uploads[name] = []
        return {"uploadId": name, "partSize": 20 * 1024 * 1024}

    def _add(self, given: dict[str, Any]) -> dict[str, Any]:
        parts = self.uploads[given["uploadId"]]
        if given["partFirstByte"] != sum(map(len, parts)):
            raise Refused("InvalidLayerPartException")
        parts.append(base64.b64decode(given["layerPartBlob"]))
        return {}

    def _end(self, given: dict[str, Any]) -> dict[str, Any]:
        parts = self.uploads[given["uploadId"]]
        assert all(len(part) >= 5 * 1024 * 1024 for part in parts[:-1])
        content = b"".join(parts)
        if digest_of(content) not in given["layerDigests"]:
            raise Refused("InvalidLayerException")
        if digest_of(content) in self.public:
            raise Refused("LayerAlreadyExistsException")
        self.public[digest_of(content)] = content
        return {}

    def _put(self, given: dict[str, Any]) -> dict[str, Any]:
        assert digest_of(given["imageManifest"].encode()) == given["imageDigest"] == DIGEST
        if any(digest not in self.public for digest in STORED):
            raise Refused("LayersNotFoundException")
        self.tags[given["imageTag"]] = given["imageDigest"]
        return {"image": {}}


@pytest.fixture(name="action")
def _action(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publication]:
    action = Publication()
    server = action.storage.serve()
    with action.installed(monkeypatch):
        yield action
    server.shutdown()
    server.server_close()


def test_the_public_image_has_the_digest_and_the_layers_of_the_release(action: Publication) -> None:
    action.run()

    assert (action.status, action.message) == ("Succeeded", "")
    assert (action.public, action.tags) == (STORED, {"v1.3.0": DIGEST})


def test_layers_that_are_public_already_are_not_copied(action: Publication) -> None:
    action.public = {digest_of(LARGE): LARGE}

    action.run()

    copied = [given["layerDigest"] for name, given in action.calls if name == "ecr.GetDownloadUrlForLayer"]
    assert copied == [digest_of(CONFIG), digest_of(SMALL)]


def test_a_published_release_is_not_published_again(action: Publication) -> None:
    action.tags["v1.3.0"] = DIGEST

    action.run()

    assert (action.status, action.public) == ("Succeeded", {})


def test_a_tag_of_another_image_is_never_moved_and_nothing_is_copied(action: Publication) -> None:
    action.tags["v1.3.0"] = "sha256:" + "c" * 64

    action.run()

    assert (action.status, action.public) == ("Failed", {})
    assert "a release's tag never moves; raise the version" in action.message


def test_an_image_of_several_platforms_is_refused_before_anything_is_copied(action: Publication) -> None:
    action.manifest = json.dumps({"schemaVersion": 2, "manifests": []})
    action.parameters = json.dumps(
        {"images": [f"{REGISTRY}/shop/app@{digest_of(action.manifest.encode())}"], "tag": "v1.3.0"}
    )

    action.run()

    assert (action.status, action.public) == ("Failed", {})
    assert "build it for one, or remove `public`" in action.message


def test_a_copy_that_takes_longer_than_a_call_goes_on_in_the_next(
    action: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "_SECONDS", -1)

    action.run()

    assert (action.status, action.calls_made) == ("Succeeded", 3)
    assert action.public == STORED


@pytest.mark.parametrize("status", [500, 503])
def test_a_storage_that_fails_is_asked_again(action: Publication, status: int) -> None:
    action.small()
    action.storage.statuses = [status]

    action.run()

    assert (action.status, action.public) == ("Succeeded", STORED)


def test_a_storage_that_refuses_ends_the_action(action: Publication) -> None:
    action.small()
    action.storage.statuses = [403]

    action.run()

    assert (action.status, action.tags) == ("Failed", {})
    assert "the storage of layers answered 403: retry this stage" in action.message


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize("operation", ["UploadLayerPart", "CompleteLayerUpload", "PutImage", "InitiateLayerUpload"])
def test_a_transient_fault_copies_no_wrong_layer(action: Publication, operation: str, fault: str) -> None:
    action.small()
    action.faults[f"ecrpublic.{operation}"] = [fault]

    action.run()

    assert (action.public, action.tags) == (STORED, {"v1.3.0": DIGEST})


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_whatever_fails_a_public_tag_names_the_image_or_does_not_exist(data: st.DataObject) -> None:
    action = Publication()
    action.small()
    faults = st.lists(st.none() | st.sampled_from(TRANSIENT), max_size=4)
    operations = ("InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage", "DescribeImages")
    action.faults = {f"ecrpublic.{name}": data.draw(faults, label=name) for name in operations}
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
    assert all(digest_of(content) == digest for digest, content in action.public.items())
    assert action.status != "Hung" or spent(action, longest)
    if longest <= 2:
        assert (action.status, action.tags) == ("Succeeded", {"v1.3.0": DIGEST})
