"""The IDs of AWS's machine images, by the names of the public parameters that templates look them up with."""

from __future__ import annotations

import hashlib
from itertools import product

_LINUX = "/aws/service/ami-amazon-linux-latest"
_KERNELS = ("default", "6.1", "6.12")
_EDITIONS = ("al2023-ami-kernel", "al2023-ami-minimal-kernel")
_UBUNTU = "/aws/service/canonical/ubuntu/server"
_RELEASES = ("22.04", "24.04")


def names() -> list[str]:
    """Returns the names of the public parameters of images of Amazon Linux and Ubuntu."""
    linux = [
        f"{_LINUX}/{edition}-{kernel}-{chip}"
        for edition, kernel, chip in product(_EDITIONS, _KERNELS, ("x86_64", "arm64"))
    ]
    containers = [
        f"/aws/service/ecs/optimized-ami/amazon-linux-2023{chip}/recommended/image_id" for chip in ("", "/arm64")
    ]
    return linux + containers + ubuntu()


def ubuntu() -> list[str]:
    """Returns the names of the public parameters of Ubuntu images (documentation.ubuntu.com/aws)."""
    disks = {"22.04": "ebs-gp2", "24.04": "ebs-gp3"}
    return [
        f"{_UBUNTU}/{release}/stable/current/{chip}/hvm/{disks[release]}/ami-id"
        for release, chip in product(_RELEASES, ("amd64", "arm64"))
    ]


def image_id(name: str) -> str:
    """Returns a constant image ID for a parameter."""
    return f"ami-{hashlib.sha256(name.encode()).hexdigest()[:17]}"


def ubuntu_release(identifier: str) -> str:
    """Returns the release of an Ubuntu image, such as 24.04; empty for other images."""
    return next((name.split("/")[6] for name in ubuntu() if image_id(name) == identifier), "")
