"""Finds what was changed by hand."""
