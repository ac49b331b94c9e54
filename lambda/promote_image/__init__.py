"""Gives images a release's tag."""
