"""Publishes a release on GitHub."""
