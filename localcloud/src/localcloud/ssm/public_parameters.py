"""Public SSM parameters: the IDs of machine images, which templates look up."""

from __future__ import annotations

from ministack.services import ssm

from localcloud import machine_images

SYMBOLS: tuple[str, ...] = ("ministack.services.ssm:_PUBLIC_AMI_PARAMETERS", "ministack.services.ssm:_public_parameter")


def install() -> None:
    """Add the parameters to MiniStack's public ones."""
    for name in machine_images.names():
        ssm._PUBLIC_AMI_PARAMETERS.setdefault(name, machine_images.image_id(name))
