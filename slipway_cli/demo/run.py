"""The demo's steps, some of which run in parallel."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud import network
from localcloud.github.publish import Published
from localcloud.settings import Settings
from paths import ROOT
from products import Product
from slipway_cli import cloud
from slipway_cli.demo import checks, secrets
from slipway_cli.demo.infrastructure import Cdk
from slipway_cli.demo.options import Options
from slipway_cli.demo.progress import Progress
from slipway_cli.demo.repository import put_on_github, put_platform_on_github
from slipway_cli.release.flow import Applier, Build, applier, prove, publish, release
from slipway_cli.release.frontend import Site
from slipway_cli.release.host_commands import run_on_host
from slipway_cli.release.hosts import Bundle
from slipway_cli.release.migrations import run_command
from slipway_cli.release.target import Target

_LOOK_SECONDS = 1.0  # between two looks for the repositories, while the stacks are deployed


class DemoError(Exception):
    """The demo cannot continue; the message says why and what to type."""


@dataclass(frozen=True)
class Demo:
    """One run of the demo."""

    settings: Settings
    product: Product
    source: Path
    environments: tuple[str, ...]
    progress: Progress
    containers: bool
    options: Options

    def run(self) -> dict[str, str]:
        """Do every step; returns the address of each environment.

        Raises:
            DemoError, CdkError, ReleaseError, CheckError: when the first step fails.
        """
        self._start()
        cloud.become(self.settings)  # the shell's AWS credentials must not be used
        if created := secrets.create_missing(self.settings, self.product):
            self.progress.skip("create secrets", f"placeholders for {', '.join(created)}")
        # The CLI waits while the cloud works, and docker builds and pushes meanwhile.
        build = Build.of(self.product, self.source, native=True, build_args=self.options.build_args)
        with ThreadPoolExecutor(max_workers=2) as pool:
            deployed = pool.submit(self._deploy)
            made = pool.submit(self._build, build, deployed)
            _first_failure(made, deployed)
        images, sites = made.result()
        urls = {name: self._url(Target(self.product, name)) for name in self.environments}
        packed: dict[str, Bundle] = {}
        bundles = {name: self._bundle(build, name, packed) if images else None for name in self.environments}
        # No environment waits for another: each waits for its own containers.
        with ThreadPoolExecutor(max_workers=len(self.environments)) as pool:
            released = [
                pool.submit(self._release, Target(self.product, name), build, bundles[name], images, sites)
                for name in self.environments
            ]
        _first_failure(*released)
        for name, url in urls.items():
            self._check(name, url)
        return urls

    def published(self) -> Published | None:
        """Publish the product to the local GitHub, where a push starts its pipelines; None if it has none."""
        if self.product.pipeline is None:
            return None
        with self.progress.step("put it on the local GitHub") as step:
            found = put_on_github(self.settings, self.product, self.product.pipeline, self.source)
            platform = put_platform_on_github(self.settings, self.product, self.product.pipeline, ROOT)
            step.detail = ", ".join(shown.url.removesuffix(".git") for shown in (found, platform) if shown)
            return found

    def _start(self) -> None:
        with self.progress.step("start the local cloud") as step:
            # The command a user types, so that its whole output can be shown if it fails.
            command = [sys.executable, "-m", "localcloud", "up"]
            environment = {**os.environ, **self.settings.environment()}
            up = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
            if up.returncode:
                raise DemoError((up.stdout + up.stderr).strip())
            step.detail = self.settings.url

    def _bootstrap(self) -> None:
        places = {(self.product.tooling.account, self.product.tooling.region)}
        places |= {(place.account, place.region) for place in self.product.environments.values()}
        for account, region in sorted(places):
            with self.progress.step("cdk bootstrap") as step:
                self._cdk.bootstrap(account, region)
                step.detail = f"aws://{account}/{region}"

    def _synth(self) -> None:
        with self.progress.step("cdk synth"):
            self._cdk.synth()

    def _deploy(self) -> None:
        self._synth()
        self._bootstrap()  # CloudFormation's permissions are those that the synthesized templates need
        with self.progress.step("cdk deploy") as step:
            patterns = ["tooling/*", *(f"{name}/*" for name in self.environments)]
            self._cdk.deploy(patterns, lambda text: self.progress.detail(step, text))

    @property
    def _frontends(self) -> str:
        return "the frontend" if self.product.frontend else f"{len(self.product.sites())} frontends"

    @property
    def _cdk(self) -> Cdk:
        return Cdk(self.settings, self.product.name)

    def _build(self, build: Build, deployed: Future[None]) -> tuple[dict[str, str], list[Site]]:
        """Builds everything, and pushes the images as soon as their repositories are deployed."""
        if self.containers:
            with self.progress.step("build images") as step:
                build.images(lambda text: self.progress.detail(step, text))
                step.detail = build.version
        else:
            self.progress.skip("build images", "no Docker: containers do not run")
        sites: list[Site] = []
        if self.product.sites():
            with self.progress.step(f"build {self._frontends}") as step:
                sites = build.sites(lambda text: self.progress.detail(step, text))
        return self._push(build, deployed), sites

    def _push(self, build: Build, deployed: Future[None]) -> dict[str, str]:
        """Pushes the images; none if the deployment fails before there is a repository for them."""
        while self.containers and not deployed.done() and not build.pushable():
            wait([deployed], timeout=_LOOK_SECONDS)
        if not self.containers or (deployed.done() and deployed.exception()):
            return {}
        with self.progress.step("push images") as step:
            images = build.push(lambda text: self.progress.detail(step, text))
            step.detail = ", ".join(uri.partition("@")[2][:19] for uri in images.values())
            return images

    def _bundle(self, build: Build, environment: str, packed: dict[str, Bundle]) -> Bundle | None:
        """Returns what an environment needs of the checkout; `packed` has it for each target that had its turn."""
        kind = self.product.environments[environment].target
        if kind != "fargate" and kind not in packed:
            with self.progress.step(f"pack the files for {kind}") as step:
                bundle = build.bundle(environment, lambda text: self.progress.detail(step, text))
                if bundle:
                    packed[kind] = bundle
                    step.detail = bundle.digest[:19]
        return packed.get(kind)

    def _release(
        self, target: Target, build: Build, bundle: Bundle | None, images: dict[str, str], sites: list[Site]
    ) -> None:
        applied: Applier = applier(target, build.version, images, bundle)
        if images:
            with self.progress.step(f"release to {target.environment}") as step:
                release(applied, lambda text: self.progress.detail(step, text))
                step.detail = "stable, migrations done"
        if sites:
            with self.progress.step(f"publish {self._frontends} to {target.environment}") as step:
                publish(target, build.version, sites, lambda text: self.progress.detail(step, text))
                step.detail = build.version
        if images:
            self._seed(target)
            with self.progress.step(f"verify {target.environment}") as step:
                report = prove(applied, self._url(target), lambda text: self.progress.detail(step, text))
                step.detail = build.version + _database(report)

    def _seed(self, target: Target) -> None:
        if seeds := self.options.seeds:
            with self.progress.step(f"seed {target.environment}") as step:
                run = run_command if target.environment in self.product.on_fargate() else run_on_host
                run(target, ["sh", "-c", " && ".join(seeds)])
                step.detail = f"{len(seeds)} commands"

    def _check(self, name: str, url: str) -> None:
        with self.progress.step(f"visit {name}") as step:
            if self.containers:
                self.progress.detail(step, checks.running(Target(self.product, name)))
            step.detail = checks.pages(self.product, url, containers=self.containers)
        if self.containers and self.options.check:
            with self.progress.step(f"check {name}") as step:
                step.detail = checks.own(self.options.check, self.source, name, url)

    def _url(self, target: Target) -> str:
        domain = target.output("edge", "DistributionDomainName")
        return f"http://{domain.removesuffix('.cloudfront.net')}.cloudfront.localhost:{self.settings.port}"


def _database(report: dict[str, Any]) -> str:
    """Returns which PostgreSQL a product's report names; empty if it names none."""
    database = report.get("database")
    version = str(database.get("version") or "").split() if isinstance(database, dict) else []
    return f" on PostgreSQL {version[0]}" if version else ""


def has_docker() -> bool:
    """True if a Docker daemon answers."""
    return network.connect() is not None


def default_source(product: str) -> Path:
    """Returns the folder of the example that replaces a product's repository."""
    return ROOT / "examples" / product


def _first_failure(*futures: Future[None] | Future[tuple[dict[str, str], list[Site]]]) -> None:
    for future in futures:
        if (error := future.exception()) is not None:
            raise error
