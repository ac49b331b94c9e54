"""The order of a release: images, then the environment's services, migrations, frontend, and the proof."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from products import Product
from slipway_cli.release import frontend, migrations, services
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.images import Registry, build
from slipway_cli.release.source import contents, snapshot
from slipway_cli.release.target import Target
from slipway_cli.release.verify import verify

Say = Callable[[str], None]
_PLATFORMS = {"arm64": "linux/arm64", "x86_64": "linux/amd64"}


@dataclass(frozen=True)
class Build:
    """What is made of a checkout once, and released to every environment."""

    product: Product
    source: Path
    version: str
    contents: str
    """The digest of the checkout's files: images are looked up by it, not by the few digits of the version."""
    native: bool = False
    """Build for this machine's architecture, whatever the manifest says: the local cloud runs on this machine."""
    build_args: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, product: Product, source: Path, *, native: bool, build_args: dict[str, str]) -> Build:
        """The build of a checkout, named after its contents."""
        return cls(product, source, snapshot(source), contents(source), native, build_args)

    @property
    def _tag(self) -> str:
        return f"contents-{self.contents}"

    def images(self, say: Say) -> None:
        """Build the images that the machine does not have yet; layers that did not change are reused."""
        registry = Registry(self.product)
        for name, image in self.product.images.items():
            say(f"building {name}")
            tags = [f"{registry.uri(name)}:{tag}" for tag in (self._tag, self.version)]
            build(image, tags, self.source, self._platform(), self.build_args)

    def push(self, say: Say) -> dict[str, str]:
        """Push the images that the registry does not have yet; returns the URI by digest of each."""
        registry, uris = Registry(self.product), {}
        registry.log_in()
        for name in self.product.images:
            digest = registry.digest(name, self._tag)
            if digest is None:
                say(f"pushing {name}")
                digest = registry.push(name, self._tag)
            if registry.digest(name, self.version) is None:  # a label; it stays where it names another image
                registry.push(name, self.version)
            uris[name] = f"{registry.uri(name)}@{digest}"
        return uris

    def site(self, say: Say) -> Path | None:
        """Build the frontend; returns the folder with its files."""
        settings = self.product.frontend
        if settings is None:
            return None
        folder = self.source / settings.directory
        lock, installed = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            say(settings.install)
            _shell(settings.install, folder)
        say(settings.build)
        _shell(settings.build, folder)
        return folder / settings.output

    def _platform(self) -> str | None:
        wanted = {environment.architecture for environment in self.product.environments.values()}
        if self.native:
            return None
        if len(wanted) > 1:
            raise ReleaseError(
                f"environments differ in architecture ({', '.join(sorted(wanted))}): one image runs in all"
            )
        return _PLATFORMS[wanted.pop()]


def release(target: Target, version: str, images: dict[str, str], say: Say) -> None:
    """Move one environment's services and schema to a release, in the order the manifest asks for.

    Raises:
        ReleaseError: at the first thing that fails; what follows is not tried.
    """
    migration = target.product.migration
    if migration and migration.when == "before_deploy":
        say("migrating")
        services.offer_migration(target, images[migration.image])
        migrations.migrate(target, version)
    say("updating services")
    services.deploy(target, version, images)
    if migration and migration.when == "after_deploy":
        say("migrating")
        migrations.migrate(target, version)


def publish(target: Target, version: str, site: Path | None, say: Say) -> None:
    """Publish a built frontend to one environment."""
    settings = target.product.frontend
    if site is None or settings is None:
        return
    say("publishing the frontend")
    paths = frontend.publish(target, site, version, settings.keep_releases)
    frontend.invalidate(target, paths, version)


def prove(target: Target, version: str, images: dict[str, str], url: str | None, say: Say) -> None:
    """Ask the product whether it runs the release."""
    say("verifying")
    verify(url or target.output("edge", "Url"), version, {uri.partition("@")[2] for uri in images.values()})


def _shell(command: str, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, shell=True, capture_output=True, text=True, check=False, env=os.environ)  # noqa: S602 - the manifest's own words
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-25:])
        raise ReleaseError(f"'{command}' in {folder} failed with exit code {done.returncode}:\n{tail}")
