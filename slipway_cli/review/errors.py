"""The error of a review that cannot be completed."""

from __future__ import annotations


class ReviewError(Exception):
    """The input cannot be compared; the message says why, and what to do."""
