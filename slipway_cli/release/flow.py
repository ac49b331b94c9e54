"""The steps of a release: images, services, migrations, frontend and verification."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from builds.buildspecs import program
from products import Product, site_checks
from products.frontend import Frontend
from products.variables import written
from slipway_cli.release import frontend, hosts, services
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.images import Recipe, Registry, Use, build, secrets
from slipway_cli.release.source import contents, snapshot, version
from slipway_cli.release.target import Target
from slipway_cli.release.verify import verify

Say = Callable[[str], None]
_COMMIT_DIGITS = 40
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
            arguments = {key: self._filled(value) for key, value in image.build_args.items()}
            given = secrets(self.product, image)
            build(Recipe(image, tags, {**arguments, **self.build_args}, given, self._platform()), self.source)

    def _filled(self, text: str) -> str:
        """Returns a build argument with its fields' values; the digest of the checkout stands for the commit."""
        digits, branch = self.contents[:_COMMIT_DIGITS], self.product.repository.branch
        fields = {"version": version(self.source), "sha": digits, "sha7": digits[:7], "branch": branch}
        for name, value in fields.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def pushable(self) -> bool:
        """True if the registry has a repository for each image."""
        return Registry(self.product).has_repositories()

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

    def bundle(self, environment: str, say: Say) -> hosts.Bundle | None:
        """Returns what the hosts or the cluster of an environment need of the checkout; None on Fargate.

        Raises:
            ReleaseError: if a compose file or a Kubernetes manifest is wrong.
        """
        target = self.product.environments[environment].target
        if target == "fargate":
            return None
        say("checking the Kubernetes manifests" if target == "kubernetes" else "checking the compose files")
        return hosts.bundle(self.product, target, self.source, self.contents)

    def sites(self, say: Say) -> list[frontend.Site]:
        """Builds the frontends, and returns the folders with their files.

        Raises:
            ReleaseError: if a build fails.
        """
        return [self._site(name, settings, say) for name, settings in self.product.sites().items()]

    def _site(self, name: str, settings: Frontend, say: Say) -> frontend.Site:
        folder = self.source / settings.directory
        if not folder.is_dir():
            raise ReleaseError(
                f"{site_checks.place(name)}.directory: there is no folder {settings.directory} in {self.source}; write "
                "the folder of the repository with the package.json"
            )
        what = site_checks.place(name) if name else "the frontend"
        base = {} if settings.path == "/" else {"BASE_PATH": settings.path}
        variables = {**base, **{key: written(value) for key, value in settings.variables.items()}}
        lock, installed = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
        if not (lock.exists() and installed.exists()) or installed.stat().st_mtime < lock.stat().st_mtime:
            install = settings.install or _usual(settings.directory, 'cd "$FOLDER" && eval "$COMMAND"')
            say(settings.install or f"installing the packages of {what}")
            _shell(install, folder if settings.install else self.source)
        say(settings.build or f"building {what}")
        command = settings.build or _usual(settings.directory, f"cd {shlex.quote(settings.directory)} && $RUN build")
        _shell(command, folder if settings.build else self.source, variables)
        return frontend.Site(
            folder / settings.output,
            folder,
            settings.source_maps,
            settings.file_endings,
            name,
            settings.path,
            tuple(site_checks.below(self.product, name)),
        )

    def _platform(self) -> str | None:
        wanted = {environment.architecture for environment in self.product.environments.values()}
        if self.native:
            return None
        if len(wanted) > 1:
            raise ReleaseError(
                f"environments differ in architecture ({', '.join(sorted(wanted))}): one image must run in all"
            )
        return _PLATFORMS[wanted.pop()]


class Applier(Protocol):
    """Moves one environment to a release."""

    @property
    def target(self) -> Target:
        """The environment."""

    @property
    def version(self) -> str:
        """The release's version."""

    @property
    def images(self) -> dict[str, str]:
        """The URI with digest of each image of the release."""

    def migrate(self, say: Say) -> None:
        """Runs the migrations of the release, once."""

    def apply(self, say: Say) -> None:
        """Runs the release, or leaves everything as it was."""

    def verify(self, say: Say) -> None:
        """Compares what runs with the release."""


def applier(target: Target, version: str, images: dict[str, str], bundle: hosts.Bundle | None) -> Applier:
    """Returns what releases to an environment, by its target."""
    if bundle is not None and target.environment not in target.product.on_fargate():
        return hosts.HostRelease(target, version, images, bundle)
    return services.ServicesRelease(target, version, images)


def release(applied: Applier, say: Say) -> None:
    """Moves the containers and the schema of an environment to a release, in the order of the manifest.

    Raises:
        ReleaseError: if a step fails; the following steps are skipped.
    """
    target, images = applied.target, applied.images
    migration = target.product.migration
    _protect(target, images, "entering")
    if migration and migration.when == "before_deploy":
        say("migrating")
        applied.migrate(say)
    say("updating services")
    applied.apply(say)
    _protect(target, images, "running")
    if migration and migration.when == "after_deploy":
        say("migrating")
        applied.migrate(say)


def _protect(target: Target, images: dict[str, str], use: Use) -> None:
    """Keeps the images of a release in the registry."""
    registry = Registry(target.product)
    for image, uri in images.items():
        registry.protect(image, uri.partition("@")[2], target.environment, use)


def publish(target: Target, version: str, sites: Sequence[frontend.Site], say: Say) -> None:
    """Publishes built frontends to one environment."""
    paths = []
    for site in sites:
        say(f"publishing {site_checks.place(site.name) if site.name else 'the frontend'}")
        paths += frontend.publish(target, site, version, target.product.sites()[site.name].keep_releases)
    if paths:
        frontend.invalidate(target, paths, version)


def prove(applied: Applier, url: str | None, say: Say) -> dict[str, Any]:
    """Verifies that the release runs, and that the product reports it if it has a page for that.

    Returns the product's report, which is empty if the product has none.

    Raises:
        ReleaseError: if something else runs.
    """
    say("verifying")
    applied.verify(say)
    path = report_path(applied.target.product)
    if path is None:
        return {}
    address = (url or applied.target.output("edge", "Url")).rstrip("/") + path
    return verify(address, applied.version, {uri.partition("@")[2] for uri in applied.images.values()})


def report_path(product: Product) -> str | None:
    """Returns the path at which a product reports its release; without pipelines, the manifest cannot name one."""
    return product.pipeline.report_path if product.pipeline else None


def _usual(directory: str, command: str) -> str:
    """Returns a command with the variables of the package manager that the checkout has, as builds choose it."""
    plan = shlex.join([sys.executable, str(program("node_packages.py")), directory])
    return f'plan=$({plan}) && eval "$plan" && {command}'


def _shell(command: str, folder: Path, variables: Mapping[str, str] | None = None) -> None:
    environment = {**os.environ, **(variables or {})}
    done = subprocess.run(command, cwd=folder, shell=True, capture_output=True, text=True, check=False, env=environment)  # noqa: S602 - a command of the manifest
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-25:])
        raise ReleaseError(f"'{command}' in {folder} failed with exit code {done.returncode}:\n{tail}")
