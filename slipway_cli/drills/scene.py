"""The environment that a drill runs in: one environment of a product on the running local cloud."""

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
    """Raised if a drill cannot start or continue; the message says why and what to type."""


@dataclass(frozen=True)
class Scene:
    """The environment that a drill runs in, its report, and its helper methods."""

    settings: Settings
    product: Product
    environment: str
    report: Report

    def __post_init__(self) -> None:
        """Point all AWS clients of this process to the local cloud."""
        cloud.become(self.settings)

    # --- the environment

    @cached_property
    def target(self) -> Target:
        """The environment's stacks."""
        return Target(self.product, self.environment)

    @cached_property
    def url(self) -> str:
        """The environment's URL on this machine."""
        domain = self.target.output("edge", "DistributionDomainName")
        return f"http://{domain.removesuffix('.cloudfront.net')}.cloudfront.localhost:{self.settings.port}"

    @cached_property
    def cluster(self) -> str:
        """The name of the environment's ECS cluster."""
        return names.cluster(self.environment, self.product.name)

    def service(self, name: str) -> str:
        """Returns the name of an ECS service."""
        return names.service(self.environment, self.product.name, name)

    def client(self, service: str) -> Any:
        """Returns a client in the environment's region."""
        return self.target.client(service)

    def check(self) -> None:
        """Check that a drill can start.

        Raises:
            SceneError: if it cannot; the message says what to type first.
        """
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.settings.port)):
                raise SceneError(f"no local cloud answers on port {self.settings.port}; type: {command('demo')}")
        if self.faults():
            self.report.say("removed the faults that an earlier drill had left in the local cloud")
        try:
            answer = get(f"{self.url}/api/v1/status/")
        except (ReleaseError, ClientError, BotoCoreError, OSError) as error:
            raise SceneError(f"{self.environment} does not serve yet ({error}); type: {command('demo')}") from error
        if answer.status != 200:  # noqa: PLR2004 - OK
            raise SceneError(
                f"{self.environment} is not healthy before the drill: HTTP {answer.status} {answer.body[:200]!r}. "
                f"Repair it first (docs/runbook.md), or start again: {command('local reset')}, then {command('demo')}"
            )

    @property
    def database_url(self) -> str:
        """The current database URL, with the password.

        Raises:
            SceneError: if the product has no database.
        """
        if self.product.database is None:
            raise SceneError(f"{self.product.name} has no database, in which this drill would look for lost data")
        secrets = self.client("secretsmanager")
        found = secrets.get_secret_value(SecretId=self.target.output("data", "DatabaseUrlSecret"))["SecretString"]
        return str(json.loads(found)["url"] if found.startswith("{") else found)

    def data(self) -> rows.Rows:
        """Returns the contents of the database."""
        return rows.read(self.database_url)

    def status(self) -> dict[str, Any]:
        """Returns the product's status report; empty if it does not respond."""
        try:
            answer = get(f"{self.url}/api/v1/status/")
            found: dict[str, Any] = answer.json()
        except (OSError, ValueError):
            return {}
        return found

    def visitor(self, path: str = "/api/v1/status/") -> Visitor:
        """Returns a visitor who uses the site during the drill."""
        return Visitor(self.url, path)

    def tasks(self, service: str, status: str = "RUNNING") -> list[str]:
        """Returns the ARNs of a service's tasks."""
        listed = self.client("ecs").list_tasks(
            cluster=self.cluster, serviceName=self.service(service), desiredStatus=status
        )
        return sorted(listed["taskArns"])

    # --- actions

    def until(self, what: str, ask: Callable[[], Found | None], seconds: float = 900) -> Found:
        """Wait until a function returns a true value, and return that value.

        Raises:
            SceneError: if it takes longer than `seconds`.
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
        """Run blocks of commands under a heading of the runbook, in one shell. Returns their output.

        `replace` maps the runbook's example values to the values to use.

        Raises:
            SceneError: if the commands fail and `may_fail` is false.
        """
        found = blocks(heading)
        if max(numbers) >= len(found):
            raise SceneError(
                f"the runbook has {len(found)} blocks under '{heading}', but the drill needs block {max(numbers) + 1}"
            )
        commands = "\n".join(found[number].rstrip() for number in numbers)
        for old, new in (replace or {}).items():
            if old not in commands:
                raise SceneError(f"the runbook's commands under '{heading}' have no '{old}'")
            commands = commands.replace(old, new)
        return self.type(commands, may_fail=may_fail)

    def type(self, commands: str, *, may_fail: bool = False) -> str:
        """Run commands in an operator's shell. Returns their output."""
        self.report.typed(commands)
        done = Shell(self.settings, self.environment, self.product.name).run(f"set -e\n{commands}")
        printed = done.stdout + done.stderr
        self.report.printed(printed)
        if done.returncode and not may_fail:
            raise SceneError(f"the runbook's commands exited with {done.returncode}: {printed[-600:]}")
        return printed

    def github(self, path: str, token: str = "") -> Any:
        """Read from GitHub's API for the product's repository, with the pipeline's token by default."""
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
        """Returns the open issues, newest first."""
        found: list[dict[str, Any]] = self.github("/issues?state=open")
        return found

    # --- the developer's clone

    @property
    def clone(self) -> Path:
        """The clone in which the demo's user changes the product."""
        return self.settings.state / "work" / self.product.repository.name

    def git(self, *words: str) -> str:
        """Run git in the clone, and return its output.

        Raises:
            SceneError: if git fails.
        """
        if not self.clone.is_dir():
            raise SceneError(f"there is no {self.clone}, the clone that the demo creates; type: {command('demo')}")
        done = subprocess.run(["git", *words], cwd=self.clone, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603, S607 - the user's git
        if done.returncode:
            raise SceneError(f"git {' '.join(words)} in {self.clone}: {done.stderr.strip()}")
        return done.stdout.strip()

    def push(self, message: str) -> str:
        """Commit all changes and push them. Returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--allow-empty", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", self.product.repository.branch)
        return self.git("rev-parse", "HEAD")

    def faults(self, *faults: dict[str, Any]) -> list[dict[str, Any]]:
        """Replace the local cloud's injected faults; without arguments, remove them. Returns the faults before."""
        status, answer = signing.send(self.settings, "PUT", "/_localcloud/faults", json.dumps(list(faults)).encode())
        if status != HTTPStatus.OK:
            raise SceneError(f"the local cloud refused the faults: {answer.decode()}")
        found: list[dict[str, Any]] = json.loads(answer)
        return found
