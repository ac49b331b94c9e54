"""Build variables that differ on this machine from those on AWS."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from docker.errors import DockerException

from localcloud import build_variables, network
from localcloud.settings import Settings
from products import Product

_ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "amd64", "AMD64": "amd64"}
# Replaces Playwright's image on machines without access to a registry: docs/local-cloud.md.
_BROWSER = "offline/browser:latest"
_ARGUMENTS = "BUILD_ARGS"


def write(settings: Settings, product: Product, arguments: Mapping[str, str]) -> None:
    """Override the variables of this cloud's builds. `arguments` are the image builds' that differ on this machine.

    Images run here, so they are built for this machine; the local registry scans none, and this machine may reach no
    advisories.
    """
    found = {
        "PLATFORM": f"linux/{_ARCHITECTURES.get(platform.machine(), 'amd64')}",
        "ALLOW_UNAUDITED": "true",
        "ALLOW_UNSCANNED": "true",
    }
    if _present(_BROWSER):
        found["PLAYWRIGHT_IMAGE"] = _BROWSER
    if given := _arguments(settings, product, arguments):
        found[_ARGUMENTS] = "\n".join(f"{name}={value}" for name, value in given.items()) + "\n"
    build_variables.write(settings, found)


def _arguments(settings: Settings, product: Product, arguments: Mapping[str, str]) -> dict[str, str]:
    """Returns the arguments of all image builds of this cloud; docker ignores those that a Dockerfile does not declare.

    The variable replaces the one of the manifest, so the manifest's arguments are among them, and so are those that an
    earlier demo of another product wrote.
    """
    earlier = build_variables.read(settings).get(_ARGUMENTS, "")
    kept = dict(line.split("=", 1) for line in earlier.splitlines() if "=" in line)
    if not (kept or arguments):
        return {}
    own = {name: value for image in product.images.values() for name, value in image.build_args.items()}
    return {**kept, **own, **arguments}


def _present(image: str) -> bool:
    client = network.connect()
    if client is None:
        return False
    try:
        client.images.get(image)
    except DockerException:
        return False
    return True
