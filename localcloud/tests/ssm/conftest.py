"""The local cloud of the tests of Systems Manager, without Docker."""

from __future__ import annotations

from localcloud.testing.plain import plain

__all__ = ["plain"]
