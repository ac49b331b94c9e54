"""The IDs of AWS's machine images, by the names of the public parameters that templates look them up with."""

from __future__ import annotations

import hashlib
from itertools import product

_LINUX = "/aws/service/ami-amazon-linux-latest"
_KERNELS = ("default", "6.1", "6.12")
_EDITIONS = ("al2023-ami-kernel", "al2023-ami-minimal-kernel")


def names() -> list[str]:
    """Returns the names of the public parameters of Amazon Linux images."""
    linux = [
        f"{_LINUX}/{edition}-{kernel}-{chip}"
        for edition, kernel, chip in product(_EDITIONS, _KERNELS, ("x86_64", "arm64"))
    ]
    containers = [
        f"/aws/service/ecs/optimized-ami/amazon-linux-2023{chip}/recommended/image_id" for chip in ("", "/arm64")
    ]
    return linux + containers


def image_id(name: str) -> str:
    """Returns a constant image ID for a parameter."""
    return f"ami-{hashlib.sha256(name.encode()).hexdigest()[:17]}"
