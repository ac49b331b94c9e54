"""Where a drill plays: one environment of a product on the running local cloud, and what may be done there."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import signing
from localcloud.settings import Settings
from products import Product, names
from slipway_cli import cloud
from slipway_cli.drills import rows
from slipway_cli.drills.report import Report
from slipway_cli.drills.runbook import Shell, blocks
from slipway_cli.drills.visitor import Visitor
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.target import Target
from slipway_cli.release.verify import get
from slipway_cli.typed import command

Found = TypeVar("Found")
_POLL_SECONDS = 1.0


class SceneError(Exception):
    """A drill cannot be played, or cannot go on; the message says why and what to type."""


@dataclass(frozen=True)
class Scene:
    """One drill's place, report and hands."""

    settings: Settings
    product: Product
    environment: str
    report: Report

    def __post_init__(self) -> None:
        """AWS is the local cloud for everything below, and nothing else."""
        cloud.become(self.settings)

    # -- what is there

    @cached_property
    def target(self) -> Target:
        """The environment's stacks."""
        return Target(self.product, self.environment)

    @cached_property
    def url(self) -> str:
        """The environment's address, for this machine."""
        domain = self.target.output("edge", "DistributionDomainName")
        return f"http://{domain.removesuffix('.cloudfront.net')}.cloudfront.localhost:{self.settings.port}"

    @cached_property
    def cluster(self) -> str:
        """Its ECS cluster."""
        return names.cluster(self.environment, self.product.name)

    def service(self, name: str) -> str:
        """The physical name of a service."""
        return names.service(self.environment, self.product.name, name)

    def client(self, service: str) -> Any:
        """A client in the environment's region."""
        return self.target.client(service)

    def check(self) -> None:
        """Whether a drill can be played at all.

        Raises:
            SceneError: with what to type first.
        """
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.settings.port)):
                raise SceneError(f"no local cloud answers on port {self.settings.port}; type: {command('demo')}")
        if self.faults():
            self.report.say("the local cloud still answered badly, as an earlier drill had asked; that is over")
        try:
            answer = get(f"{self.url}/api/v1/status/")
        except (ReleaseError, ClientError, BotoCoreError, OSError) as error:
            raise SceneError(f"{self.environment} does not serve yet ({error}); type: {command('demo')}") from error
        if answer.status != 200:  # noqa: PLR2004 - OK
            raise SceneError(
                f"{self.environment} is not well before the drill: HTTP {answer.status} {answer.body[:200]!r}. "
                f"Look at it first (docs/runbook.md), or start afresh: {command('local reset')}, then {command('demo')}"
            )

    @property
    def database_url(self) -> str:
        """The address and password that new connections need now."""
        secrets = self.client("secretsmanager")
        found = secrets.get_secret_value(SecretId=self.target.output("data", "DatabaseUrlSecret"))["SecretString"]
        return str(json.loads(found)["url"] if found.startswith("{") else found)

    def data(self) -> rows.Rows:
        """What stands in the database."""
        return rows.read(self.database_url)

    def status(self) -> dict[str, Any]:
        """What the product says of itself; empty if it does not."""
        try:
            answer = get(f"{self.url}/api/v1/status/")
            found: dict[str, Any] = answer.json()
        except (OSError, ValueError):
            return {}
        return found

    def visitor(self, path: str = "/api/v1/status/") -> Visitor:
        """Somebody who uses the site meanwhile."""
        return Visitor(self.url, path)

    def tasks(self, service: str, status: str = "RUNNING") -> list[str]:
        """The tasks of a service."""
        listed = self.client("ecs").list_tasks(
            cluster=self.cluster, serviceName=self.service(service), desiredStatus=status
        )
        return sorted(listed["taskArns"])

    # -- what is done

    def until(self, what: str, ask: Callable[[], Found | None], seconds: float = 900) -> Found:
        """Wait until the answer is true.

        Raises:
            SceneError: if that takes too long.
        """
        deadline = time.monotonic() + seconds
        while not (found := ask()):
            if time.monotonic() > deadline:
                raise SceneError(f"waited {seconds:.0f} s for {what}")
            time.sleep(_POLL_SECONDS)
        return found

    def documented(
        self, heading: str, *numbers: int, replace: dict[str, str] | None = None, may_fail: bool = False
    ) -> str:
        """Run blocks of commands under a heading of the runbook, in one shell; answers what they printed.

        `replace` puts values where the runbook has an example's.

        Raises:
            SceneError: if they failed, unless they may.
        """
        found = blocks(heading)
        if max(numbers) >= len(found):
            raise SceneError(
                f"the runbook has {len(found)} blocks under '{heading}', number {max(numbers) + 1} is asked"
            )
        commands = "\n".join(found[number].rstrip() for number in numbers)
        for old, new in (replace or {}).items():
            if old not in commands:
                raise SceneError(f"the runbook's commands under '{heading}' have no '{old}'")
            commands = commands.replace(old, new)
        return self.type(commands, may_fail=may_fail)

    def type(self, commands: str, *, may_fail: bool = False) -> str:
        """Run commands as an operator's shell does; answers what they printed."""
        self.report.typed(commands)
        done = Shell(self.settings, self.environment, self.product.name).run(f"set -e\n{commands}")
        printed = done.stdout + done.stderr
        self.report.answered(printed)
        if done.returncode and not may_fail:
            raise SceneError(f"the runbook's commands ended with {done.returncode}: {printed[-600:]}")
        return printed

    def github(self, path: str, token: str = "") -> Any:
        """Ask GitHub about the product's repository, with the pipeline's token or another one."""
        pipeline = self.product.pipeline
        if not token and pipeline is not None:
            found = self.client("secretsmanager").get_secret_value(SecretId=pipeline.github.secret)["SecretString"]
            token = json.loads(found)["token"]
        place = f"{self.product.repository.owner}/{self.product.repository.name}"
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.settings.url}/_github/api/v3/repos/{place}{path}", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own address
            return json.load(answer)

    def issues(self) -> list[dict[str, Any]]:
        """The open issues, newest first."""
        found: list[dict[str, Any]] = self.github("/issues?state=open")
        return found

    # -- the developers' side

    @property
    def clone(self) -> Path:
        """Where the demo's user changes the product."""
        return self.settings.state / "work" / self.product.repository.name

    def git(self, *words: str) -> str:
        """Git in that clone.

        Raises:
            SceneError: if it failed.
        """
        if not self.clone.is_dir():
            raise SceneError(
                f"there is no {self.clone}, where the demo lets you change the product; type: {command('demo')}"
            )

        done = subprocess.run(["git", *words], cwd=self.clone, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603, S607 - the user's git
        if done.returncode:
            raise SceneError(f"git {' '.join(words)} in {self.clone}: {done.stderr.strip()}")
        return done.stdout.strip()

    def push(self, message: str) -> str:
        """Commit everything and push; answers the commit."""
        self.git("add", "--all")
        self.git("commit", "--allow-empty", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", self.product.repository.branch)
        return self.git("rev-parse", "HEAD")

    def faults(self, *faults: dict[str, Any]) -> list[dict[str, Any]]:
        """Make the local cloud answer badly, or well again if none is given; what it did so far."""
        status, answer = signing.send(self.settings, "PUT", "/_localcloud/faults", json.dumps(list(faults)).encode())
        if status != HTTPStatus.OK:
            raise SceneError(f"the local cloud refused the faults: {answer.decode()}")
        found: list[dict[str, Any]] = json.loads(answer)
        return found
