"""Releases to hosts and MicroK8s by hand: the steps of the pipeline's function, here, with the operator's rights."""

from __future__ import annotations

import io
import json
import sys
import tempfile
import time
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from builds.buildspecs import BuildError
from builds.run import run
from paths import HANDLERS
from products import Product, host_release, kubernetes_release
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.target import Target

if str(HANDLERS) not in sys.path:
    sys.path.append(str(HANDLERS))

from deploy_hosts.handler import advise, deploy
from shared.job import Artifact, Failed, Job, Wait

Say = Callable[[str], None]
_POLL_SECONDS = 1.0  # CodePipeline calls the function less often
_COMMIT_DIGITS = 40
_TAIL = 25
_APPLY_MINUTES, _VERIFY_MINUTES = 60, 10


@dataclass(frozen=True)
class Bundle:
    """The files of a checkout that hosts or clusters need."""

    content: bytes
    digest: str
    contents: str
    """The digest of the checkout, whose first 40 digits stand for the commit: a checkout may have changes."""


def bundle(product: Product, target: str, source: Path, contents: str) -> Bundle:
    """Checks and packs the files of a checkout that the hosts, or the clusters, of a product need.

    Raises:
        ReleaseError: if they are wrong; with every problem, its file and line.
    """
    build, variable, digest, expected = {
        "hosts": ("compose", "COMPOSE", "BUNDLE", host_release.expected),
        "kubernetes": ("kubernetes", "KUBERNETES", "MANIFESTS", kubernetes_release.expected),
    }[target]
    with tempfile.TemporaryDirectory(prefix=f"slipway-{build}-") as folder:
        try:
            result = run(build, source, {variable: json.dumps(expected(product))}, Path(folder), quiet=True)
        except BuildError as error:
            raise ReleaseError(str(error)) from error
        if not result.succeeded:
            raise ReleaseError(_problems(result.output))
        return Bundle((Path(folder) / "bundle.tar.gz").read_bytes(), result.exported[digest], contents)


def _problems(output: str) -> str:
    """Returns what the build found, without the commands that it ran."""
    found = output.partition("FAILED: ")[2].partition("\n[build] failed")[0].strip()
    return found or "\n".join(output.splitlines()[-_TAIL:])


@dataclass(frozen=True)
class HostRelease:
    """One release to the hosts, or to the MicroK8s, of an environment."""

    target: Target
    version: str
    images: dict[str, str]
    bundle: Bundle

    def migrate(self, say: Say) -> None:
        """Runs the migrations of the release on one host.

        Raises:
            ReleaseError: if they fail; what runs is unchanged.
        """
        migration = self.target.product.migration
        if migration:
            self._do("migrate", migration.timeout_minutes, say)

    def apply(self, say: Say) -> None:
        """Moves one host after the other to the release.

        Raises:
            ReleaseError: if a host fails; all hosts run the release before again.
        """
        self._do("apply", _APPLY_MINUTES, say)

    def verify(self, say: Say) -> None:
        """Compares what every host runs with the release.

        Raises:
            ReleaseError: if a host runs something else.
        """
        self._do("verify", _VERIFY_MINUTES, say)

    @cached_property
    def _parameters(self) -> dict[str, Any]:
        settings = host_release.settings(self.target.product, self.target.environment)
        return {
            **settings,
            "region": self.target.region,
            "version": self.version,
            "commit": self.bundle.contents[:_COMMIT_DIGITS],
            "images": self.images,
            "bundle": self.bundle.digest,
        }

    def _do(self, step: str, minutes: float, say: Say) -> None:
        event = _event({**self._parameters, "step": step, "deadline_minutes": minutes})
        job = _Job(event, minutes)
        job.bundle = self.bundle.content
        said = ""
        try:
            while isinstance(outcome := deploy(job), Wait):
                if outcome.summary != said:
                    say(said := outcome.summary)
                if job.overdue:
                    raise ReleaseError(f"{outcome.summary}; gave up after {minutes:g} minutes. {advise(job)}")
                time.sleep(_POLL_SECONDS)
        except Failed as failure:
            raise ReleaseError(str(failure)) from failure
        say(outcome.summary)


class _Job(Job):
    """A step whose artifact is on this machine."""

    bundle = b""

    def artifact(self, name: str) -> Artifact:
        """Returns the artifact that the build of the bundle would have written."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("bundle.tar.gz", self.bundle)
        return _Artifact("", name, {}, packed.getvalue())


@dataclass(frozen=True)
class _Artifact(Artifact):
    content: bytes

    def client(self) -> Any:
        """Returns itself: it answers the only call."""
        return self

    def get_object(self, **_place: str) -> dict[str, Any]:
        """Returns the content as S3 does."""
        return {"ContentLength": len(self.content), "Body": io.BytesIO(self.content)}


def _event(parameters: dict[str, Any]) -> dict[str, Any]:
    """Returns the event by which CodePipeline would ask for a step."""
    configuration = {"UserParameters": json.dumps(parameters)}
    data = {"actionConfiguration": {"configuration": configuration}}
    return {"CodePipeline.job": {"id": str(uuid.uuid4()), "data": data}}
