"""Publishes what a build pushed before the tests passed."""
