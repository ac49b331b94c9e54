"""Builds and pushes images, which are then identified by their digests."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from botocore.exceptions import ClientError

from products import Product, names
from products.containers import Image
from slipway_cli.release.clients import create
from slipway_cli.release.errors import ReleaseError

Log = Callable[[str], None]
Use = Literal["entering", "running"]
_DIGITS = 12  # of the digest in the tag that an image keeps, as in lambda/shared/registry.py
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # of the old builder's output
_TAIL = 25  # the last lines of a failed build that are printed


def docker() -> str:
    """Returns the Docker client; CDK_DOCKER overrides it, as for the CDK CLI."""
    return os.environ.get("CDK_DOCKER", "docker")


class Registry:
    """The image repositories of a product."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._ecr = create("ecr", product.tooling.region)

    def has_repositories(self) -> bool:
        """True if there is a repository for each image."""
        wanted = [names.repository(self._product.name, image) for image in self._product.images]
        try:
            self._ecr.describe_repositories(repositoryNames=wanted)
        except self._ecr.exceptions.RepositoryNotFoundException:
            return False
        return True

    def digest(self, image: str, tag: str) -> str | None:
        """Returns the digest of a tag; None if it does not exist."""
        repository = names.repository(self._product.name, image)
        try:
            found = self._ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
        except self._ecr.exceptions.ImageNotFoundException:
            return None
        except ClientError as error:
            raise ReleaseError(
                f"cannot read repository {repository}: {error}; deploy it first: "
                f"npx cdk deploy 'tooling/*' -c product={self._product.name}"
            ) from error
        return str(found["imageDetails"][0]["imageDigest"])

    def uri(self, image: str) -> str:
        """Returns the URI of a repository, without a tag."""
        tooling = self._product.tooling
        return names.repository_uri(tooling.account, tooling.region, names.repository(self._product.name, image))

    def log_in(self) -> None:
        """Logs docker in to the registry, for twelve hours."""
        authorization: dict[str, Any] = self._ecr.get_authorization_token()["authorizationData"][0]
        password = base64.b64decode(authorization["authorizationToken"]).decode().partition(":")[2]
        registry = self.uri("").partition("/")[0]
        _run([docker(), "login", "--username", "AWS", "--password-stdin", registry], stdin=password)

    def push(self, image: str, tag: str) -> str:
        """Pushes an image that `build` tagged, and returns its digest."""
        _run([docker(), "push", f"{self.uri(image)}:{tag}"])
        digest = self.digest(image, tag)
        if digest is None:
            raise ReleaseError(f"docker pushed {image}:{tag}, but the registry does not have it")
        return digest

    def protect(self, image: str, digest: str, environment: str, use: Use) -> None:
        """Puts the tags on an image by which the registry keeps it while an environment uses it.

        Raises:
            ReleaseError: if the registry does not accept a tag.
        """
        repository = names.repository(self._product.name, image)
        own = f"{names.ENTERED_TAG}{digest.removeprefix('sha256:')[:_DIGITS]}"
        for tag in (names.in_use_tag(environment, use), own):
            if self.digest(image, tag) == digest:
                continue
            found = self._ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageDigest": digest}])["images"]
            if not found:
                raise ReleaseError(f"repository {repository} has no image {digest}")
            media = found[0].get("imageManifestMediaType")
            try:
                self._ecr.put_image(
                    repositoryName=repository,
                    imageManifest=found[0]["imageManifest"],
                    imageTag=tag,
                    imageDigest=digest,
                    **({"imageManifestMediaType": media} if media else {}),
                )
            except self._ecr.exceptions.ImageAlreadyExistsException:
                continue  # a release to another environment, at the same time, has put it
            except ClientError as error:
                raise ReleaseError(
                    f"cannot put the tag {tag} on {repository}@{digest}: {error}; deploy the registry first: "
                    f"npx cdk deploy 'tooling/*' -c product={self._product.name}"
                ) from error


@dataclass(frozen=True)
class Recipe:
    """An image with what its build gets."""

    image: Image
    tags: list[str]
    arguments: dict[str, str]
    secrets: dict[str, str]
    """The values of the build secrets, by id."""
    platform: str | None
    """Docker's name, e.g. linux/arm64; None for this machine's."""


def secrets(product: Product, image: Image) -> dict[str, str]:
    """Returns the values of an image's build secrets, by id.

    Raises:
        ReleaseError: if one cannot be read.
    """
    client = create("secretsmanager", product.tooling.region)
    found = {}
    for name, secret in image.build_secrets.items():
        try:
            value = str(client.get_secret_value(SecretId=secret.name)["SecretString"])
            found[name] = str(json.loads(value)[secret.key]) if secret.key else value
        except (ClientError, ValueError, KeyError) as error:
            place = f"secret {secret.name} of account {product.tooling.account}, {product.tooling.region}"
            key = f", key {secret.key}" if secret.key else ""
            raise ReleaseError(
                f"cannot read {place}{key}, the build secret {name}: {error}; create it with aws secretsmanager "
                f"create-secret --name {secret.name}"
            ) from error
    return found


def build(recipe: Recipe, source: Path) -> None:
    """Builds an image from a checkout.

    Raises:
        ReleaseError: if the Dockerfile does not exist, or the build fails; with the end of its output.
    """
    image = recipe.image
    context = source / image.context
    if not (context / image.dockerfile).is_file():
        raise ReleaseError(
            f"no {image.dockerfile} in {context}: write images.<name>.dockerfile into the manifest, its path below "
            "images.<name>.context, or give another checkout with --source"
        )
    command = [docker(), "build", "--file", str(context / image.dockerfile)]
    for tag in recipe.tags:
        command += ["--tag", tag]
    for name, value in recipe.arguments.items():
        command += ["--build-arg", f"{name}={value}"]
    environment = {}
    for name, value in recipe.secrets.items():
        variable = f"SLIPWAY_BUILD_SECRET_{name.upper()}"  # by its name: the value stands in no list of processes
        environment[variable] = value
        command += ["--secret", f"id={name},env={variable}"]
    if image.target:
        command += ["--target", image.target]
    if recipe.platform:
        command += ["--platform", recipe.platform]
    if recipe.secrets:
        _require_buildkit()
    again = f"To repeat only this build: {shlex.join([*command, str(context)])}"
    _run([*command, str(context)], again=again, environment=environment)


def _require_buildkit() -> None:
    """Raises ReleaseError if docker has only its old builder, which knows no secrets."""
    try:
        done = subprocess.run([docker(), "buildx", "version"], capture_output=True, check=False)  # noqa: S603 - our own command
    except FileNotFoundError:
        return  # the build itself says that docker is missing
    if done.returncode:
        raise ReleaseError("the image has build secrets, which need BuildKit; install docker's plugin buildx")


def _run(
    command: list[str], stdin: str | None = None, again: str = "", environment: dict[str, str] | None = None
) -> None:
    variables = {**os.environ, **(environment or {})}
    try:
        done = subprocess.run(command, input=stdin, env=variables, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    except FileNotFoundError as error:
        raise ReleaseError(f"{command[0]} is not installed; images are built with Docker") from error
    if done.returncode:
        lines = _COLOURS.sub("", done.stdout + done.stderr).splitlines()
        tail = "\n".join([*lines[-_TAIL:], *([again] if again else [])])
        raise ReleaseError(f"{' '.join(command[:2])} failed with exit code {done.returncode}:\n{tail}")
