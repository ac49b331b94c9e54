"""Fixtures and helpers for tests that need a running local cloud."""
