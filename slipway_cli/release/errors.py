"""The error of a failed release."""

from __future__ import annotations


class ReleaseError(Exception):
    """A release failed; the message says what failed, why, and what to type next."""
