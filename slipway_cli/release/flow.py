"""The steps of a release: images, services, migrations, frontend and verification."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builds.buildspecs import program
from products import Product
from slipway_cli.release import frontend, migrations, services
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.images import Registry, Use, build
from slipway_cli.release.source import contents, snapshot
from slipway_cli.release.target import Target
from slipway_cli.release.verify import verify, verify_tasks

Say = Callable[[str], None]
_PLATFORMS = {"arm64": "linux/arm64", "x86_64": "linux/amd64"}


@dataclass(frozen=True)
class Build:
    """The artifacts of a checkout, built once and released to any environment."""

    product: Product
    source: Path
    version: str
    contents: str
    """The digest of the checkout's files, by which images are looked up; the version has only its first digits."""
    native: bool = False
    """True to build for this machine's architecture, as the local cloud requires, instead of the manifest's."""
    build_args: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, product: Product, source: Path, *, native: bool, build_args: dict[str, str]) -> Build:
        """Returns the build of a checkout, named after its contents."""
        return cls(product, source, snapshot(source), contents(source), native, build_args)

    @property
    def _tag(self) -> str:
        return f"contents-{self.contents}"

    def images(self, say: Say) -> None:
        """Builds the images; docker reuses unchanged layers."""
        registry = Registry(self.product)
        for name, image in self.product.images.items():
            say(f"building {name}")
            tags = [f"{registry.uri(name)}:{tag}" for tag in (self._tag, self.version)]
            build(image, tags, self.source, self._platform(), self.build_args)

    def push(self, say: Say) -> dict[str, str]:
        """Pushes the images that the registry lacks, and returns the URI with digest of each image."""
        registry, uris = Registry(self.product), {}
        registry.log_in()
        for name in self.product.images:
            digest = registry.digest(name, self._tag)
            if digest is None:
                say(f"pushing {name}")
                digest = registry.push(name, self._tag)
            if registry.digest(name, self.version) is None:  # a tag for readers; an existing one is not moved
                registry.push(name, self.version)
            uris[name] = f"{registry.uri(name)}@{digest}"
        return uris

    def site(self, say: Say) -> frontend.Site | None:
        """Builds the frontend, and returns the folder with its files."""
        settings = self.product.frontend
        if settings is None:
            return None
        folder = self.source / settings.directory
        lock, installed = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
        if not (lock.exists() and installed.exists()) or installed.stat().st_mtime < lock.stat().st_mtime:
            install = settings.install or self._usual('cd "$FOLDER" && eval "$COMMAND"')
            say(settings.install or "installing the frontend's packages")
            _shell(install, folder if settings.install else self.source)
        say(settings.build or "building the frontend")
        command = settings.build or self._usual(f"cd {shlex.quote(settings.directory)} && $RUN build")
        _shell(command, folder if settings.build else self.source)
        return frontend.Site(folder / settings.output, folder, settings.source_maps, settings.file_endings)

    def _usual(self, command: str) -> str:
        """Returns a command with the variables of the package manager that the checkout has, as builds choose it."""
        planner = program("node_packages.py")
        directory = self.product.frontend.directory if self.product.frontend else "."
        plan = shlex.join([sys.executable, str(planner), directory])
        return f'plan=$({plan}) && eval "$plan" && {command}'

    def _platform(self) -> str | None:
        wanted = {environment.architecture for environment in self.product.environments.values()}
        if self.native:
            return None
        if len(wanted) > 1:
            raise ReleaseError(
                f"environments differ in architecture ({', '.join(sorted(wanted))}): one image must run in all"
            )
        return _PLATFORMS[wanted.pop()]


def release(target: Target, version: str, images: dict[str, str], say: Say) -> None:
    """Moves the services and the schema of an environment to a release, in the order of the manifest.

    Raises:
        ReleaseError: if a step fails; the following steps are skipped.
    """
    migration = target.product.migration
    _protect(target, images, "entering")
    if migration and migration.when == "before_deploy":
        say("migrating")
        services.offer_migration(target, images[migration.image])
        migrations.migrate(target, version)
    say("updating services")
    services.deploy(target, version, images)
    _protect(target, images, "running")
    if migration and migration.when == "after_deploy":
        say("migrating")
        migrations.migrate(target, version)


def _protect(target: Target, images: dict[str, str], use: Use) -> None:
    """Keeps the images of a release in the registry."""
    registry = Registry(target.product)
    for image, uri in images.items():
        registry.protect(image, uri.partition("@")[2], target.environment, use)


def publish(target: Target, version: str, site: frontend.Site | None, say: Say) -> None:
    """Publishes a built frontend to one environment."""
    settings = target.product.frontend
    if site is None or settings is None:
        return
    say("publishing the frontend")
    paths = frontend.publish(target, site, version, settings.keep_releases)
    frontend.invalidate(target, paths, version)


def prove(target: Target, version: str, images: dict[str, str], url: str | None, say: Say) -> dict[str, Any]:
    """Verifies that ECS runs the release, and that the product reports it if it has a page for that.

    Returns the product's report, which is empty if the product has none.

    Raises:
        ReleaseError: if something else runs.
    """
    say("verifying")
    verify_tasks(target, images)
    path = report_path(target.product)
    if path is None:
        return {}
    address = (url or target.output("edge", "Url")).rstrip("/") + path
    return verify(address, version, {uri.partition("@")[2] for uri in images.values()})


def report_path(product: Product) -> str | None:
    """Returns the path at which a product reports its release; without pipelines, the manifest cannot name one."""
    return product.pipeline.report_path if product.pipeline else None


def _shell(command: str, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, shell=True, capture_output=True, text=True, check=False, env=os.environ)  # noqa: S602 - a command of the manifest
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-25:])
        raise ReleaseError(f"'{command}' in {folder} failed with exit code {done.returncode}:\n{tail}")
