"""Verifies that a release runs."""
