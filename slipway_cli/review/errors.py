"""Why there is no report."""

from __future__ import annotations


class ReviewError(Exception):
    """Something in the input makes a comparison impossible; `str()` says what, and what to do."""
