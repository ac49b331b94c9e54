"""Service Quotas: AWS's default values, and increases, which are approved at once. The local cloud enforces none."""

from __future__ import annotations

from localcloud.servicequotas import api

__all__ = ["SYMBOLS", "install"]

SYMBOLS: tuple[str, ...] = api.SYMBOLS


def install() -> None:
    """Add the service."""
    api.SERVICE.install()
