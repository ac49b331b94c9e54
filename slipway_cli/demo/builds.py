"""What builds are told on this machine, where it differs from what a manifest says of AWS."""

from __future__ import annotations

import platform

from docker.errors import DockerException

from localcloud import network

_ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "amd64", "AMD64": "amd64"}
# Stands in for Playwright's image on machines that reach no registry: docs/local-cloud.md.
_BROWSER = "offline/browser:latest"


def variables() -> dict[str, str]:
    """Variables of buildspecs, by name.

    Images run here, so they are built for this machine. The local database is not signed by RDS's authorities, so the
    image must not insist on them.
    """
    told = {
        "PLATFORM": f"linux/{_ARCHITECTURES.get(platform.machine(), 'amd64')}",
        "BUILD_ARGS": "RDS_CA_BUNDLE_URL=",
        "ALLOW_UNSCANNED": "true",
    }
    if _present(_BROWSER):
        told["PLAYWRIGHT_IMAGE"] = _BROWSER
    return told


def _present(image: str) -> bool:
    client = network.connect()
    if client is None:
        return False
    try:
        client.images.get(image)
    except DockerException:
        return False
    return True
