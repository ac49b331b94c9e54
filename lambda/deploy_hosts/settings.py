"""The parameters of the action, read once."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property

from shared.aws import Place
from shared.gate import Gate
from shared.job import Failed
from shared.parameters import ParameterError, Parameters
from shared.registry import Image

STEPS = ("migrate", "apply", "verify")
MAXIMUM = 20
"""Hosts of one environment; the continuation token, which has 2048 characters, names each."""
_SHA = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Protection:
    """The tags by which the registry keeps the images of one environment."""

    entering: str
    running: str
    entered: str
    """Prefix of the tag that an image keeps, e.g. `entered-`."""


@dataclass(frozen=True)
class Release:
    """The release that the hosts run next. They read its record, which is named by its SHA-256."""

    version: str
    commit: str
    images: dict[str, str]
    bundle: str
    """SHA-256 of the tar.gz with the compose files."""

    @cached_property
    def record(self) -> bytes:
        """The record in canonical JSON."""
        fields = {"version": self.version, "commit": self.commit, "images": self.images, "bundle": self.bundle}
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()

    @cached_property
    def sha(self) -> str:
        """The SHA-256 of the record."""
        return hashlib.sha256(self.record).hexdigest()


@dataclass(frozen=True)
class Settings:
    """The parameters of the action."""

    step: str
    release: Release
    stack: str
    """The Hosts stack, whose outputs name the bucket of releases and the target group."""
    edge: str | None
    """The Edge stack, whose output Url is the product's address; None if no action needs it."""
    path: str | None
    """The path at which the product reports its release; None to ask the hosts alone."""
    cluster: str | None
    """The cluster of EKS that runs the release; None if hosts do."""
    document: str
    """Empty for a cluster of EKS, and so are `tags`."""
    tags: dict[str, str]
    """The tags of the environment's hosts."""
    expected: int
    """The number of hosts that must run."""
    log_group: str
    artifact: str
    """The artifact with the bundle, and the name of the build that writes it: Compose or Manifests."""
    protection: Protection | None
    """None if something other than this function keeps the images."""
    gate: Gate | None
    """None if alarms hold no release back."""
    place: Place

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        settings = cls(
            parameters.text("step"),
            _release(parameters),
            parameters.text("stack"),
            parameters.optional_text("edge"),
            parameters.optional_text("path"),
            parameters.optional_text("cluster"),
            parameters.optional_text("document") or "",
            parameters.table("tags"),
            int(parameters.number("expected", 1, minimum=1, maximum=MAXIMUM)),
            parameters.text("log_group"),
            parameters.optional_text("artifact") or "Compose",
            _protection(parameters.table("protection")),
            Gate.from_parameters(parameters),
            Place.from_parameters(parameters),
        )
        parameters.refuse_unknown()
        if settings.step not in STEPS:
            raise ParameterError(f"parameter 'step' is '{settings.step}'; write one of {', '.join(STEPS)}")
        if settings.cluster is None and not settings.document:
            raise ParameterError("parameter 'document' is missing: name the SSM document that releases to hosts")
        if settings.cluster is None and not settings.tags:
            raise ParameterError("parameter 'tags' is empty: name the tags of the hosts, or every instance would match")
        if settings.path and not settings.edge:
            raise ParameterError("parameter 'path' needs 'edge', whose output Url is the product's address")
        return settings

    def run_by(self, count: int) -> str:
        """Returns the words for what runs the release, before the version: so many hosts, or the cluster."""
        return "the cluster runs" if self.cluster else f"{count} of {self.expected} hosts run"

    @cached_property
    def _outputs(self) -> dict[str, str]:
        return self.place.outputs(self.stack)

    @property
    def bucket(self) -> str:
        """The bucket of releases."""
        found = self._outputs.get("ReleasesBucket")
        if found is None:
            raise Failed(f"{self.stack} has no output ReleasesBucket: deploy the infrastructure first")
        return found

    @property
    def function(self) -> str:
        """The function that releases into the cluster."""
        found = self._outputs.get("ReleaseFunction")
        if found is None:
            raise Failed(f"{self.stack} has no output ReleaseFunction: deploy the infrastructure first")
        return found

    @property
    def target_group(self) -> str | None:
        """The target group; None if no load balancer sends requests to the hosts."""
        return self._outputs.get("TargetGroupArn")

    @property
    def url(self) -> str | None:
        """The product's address; None if no action needs it."""
        if self.edge is None:
            return None
        found = self.place.outputs(self.edge).get("Url")
        if found is None:
            raise Failed(f"{self.edge} has no output Url: deploy the infrastructure first")
        return found.rstrip("/")

    @property
    def images(self) -> set[Image]:
        """The images of the release."""
        return {Image.parse(uri) for uri in self.release.images.values()}


def _release(parameters: Parameters) -> Release:
    release = Release(
        parameters.text("version"), parameters.text("commit"), parameters.table("images"), parameters.text("bundle")
    )
    if not release.images:
        raise ParameterError("parameter 'images' is empty: name at least one image by digest")
    for uri in release.images.values():
        Image.parse(uri)
    if not _SHA.fullmatch(release.bundle):
        raise ParameterError(f"parameter 'bundle' must be a SHA-256, got {release.bundle!r}")
    if not _COMMIT.fullmatch(release.commit):
        raise ParameterError(f"parameter 'commit' must have 40 hexadecimal digits, got {release.commit!r}")
    return release


def _protection(table: dict[str, str]) -> Protection | None:
    if not table:
        return None
    tags = Parameters(table)
    protection = Protection(tags.text("entering"), tags.text("running"), tags.text("entered"))
    tags.refuse_unknown()
    return protection
