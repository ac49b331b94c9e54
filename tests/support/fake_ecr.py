"""ECR's images and tags in memory, with methods of boto3's client; a further tag does not change the time of a push."""

from __future__ import annotations

import fnmatch
import hashlib
from typing import Any

from botocore.exceptions import ClientError

from localcloud.ecr.lifecycle import Image, expired

REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com"


class FakeEcr:
    """One repository. `moving` are the tags that may move; all others are immutable."""

    def __init__(self, repository: str, moving: list[str]) -> None:
        self.repository, self.moving = repository, moving
        self.pushed: dict[str, float] = {}
        self.tags: dict[str, str] = {}
        self._manifests: dict[str, str] = {}

    def push(self, name: str, when: float, *tags: str) -> str:
        """Pushes an image, and returns its URI with digest."""
        manifest = f'{{"schemaVersion": 2, "of": "{name}"}}'
        digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
        self._manifests[digest] = manifest
        self.pushed.setdefault(digest, when)
        self.tags |= dict.fromkeys(tags, digest)
        return f"{REGISTRY}/{self.repository}@{digest}"

    def has(self, uri: str) -> bool:
        """True if the image exists."""
        return uri.partition("@")[2] in self.pushed

    def expire(self, policy: str, now: float) -> None:
        """Deletes what ECR would delete by a lifecycle policy."""
        tags: dict[str, set[str]] = {}
        for tag, digest in self.tags.items():
            tags.setdefault(digest, set()).add(tag)
        images = [Image(digest, when, frozenset(tags.get(digest, ()))) for digest, when in self.pushed.items()]
        for image in expired(policy, images, now):
            del self.pushed[image.digest]
        self.tags = {tag: digest for tag, digest in self.tags.items() if digest in self.pushed}

    def batch_get_image(self, **given: Any) -> dict[str, Any]:
        """Returns the manifest of an image."""
        wanted = given["imageIds"][0]["imageDigest"]
        if given["repositoryName"] != self.repository or wanted not in self.pushed:
            return {"images": [], "failures": [{"failureReason": "Requested image not found"}]}
        return {"images": [{"imageManifest": self._manifests[wanted]}], "failures": []}

    def describe_images(self, **given: Any) -> dict[str, Any]:
        """Returns the image of a tag."""
        found = self.tags.get(given["imageIds"][0]["imageTag"])
        if found is None:
            raise _refused("ImageNotFoundException", "DescribeImages")
        return {"imageDetails": [{"imageDigest": found}]}

    def put_image(self, **given: Any) -> dict[str, Any]:
        """Puts a tag on an image."""
        tag, digest = given["imageTag"], given["imageDigest"]
        if self.tags.get(tag) == digest:
            raise _refused("ImageAlreadyExistsException", "PutImage")
        if tag in self.tags and not any(fnmatch.fnmatchcase(tag, pattern) for pattern in self.moving):
            raise _refused("ImageTagAlreadyExistsException", "PutImage")
        self.tags[tag] = digest
        return {"image": {}}


def _refused(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "refused"}}, operation)
