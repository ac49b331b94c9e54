"""Why a release stopped."""

from __future__ import annotations


class ReleaseError(Exception):
    """A release that cannot go on; `str()` says what failed, why, and what to type next."""
