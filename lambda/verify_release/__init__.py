"""Asks whether a release runs."""
