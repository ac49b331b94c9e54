"""Build variables that differ on this machine from those on AWS."""

from __future__ import annotations

import platform

from docker.errors import DockerException

from localcloud import network

_ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "amd64", "AMD64": "amd64"}
# Replaces Playwright's image on machines without access to a registry: docs/local-cloud.md.
_BROWSER = "offline/browser:latest"


def variables() -> dict[str, str]:
    """Returns the variables of buildspecs, by name.

    Images run here, so they are built for this machine. The local database's certificate is not signed by the RDS
    authorities, so the image must not require them.
    """
    found = {
        "PLATFORM": f"linux/{_ARCHITECTURES.get(platform.machine(), 'amd64')}",
        "BUILD_ARGS": "RDS_CA_BUNDLE_URL=",
        "ALLOW_UNSCANNED": "true",
    }
    if _present(_BROWSER):
        found["PLAYWRIGHT_IMAGE"] = _BROWSER
    return found


def _present(image: str) -> bool:
    client = network.connect()
    if client is None:
        return False
    try:
        client.images.get(image)
    except DockerException:
        return False
    return True
