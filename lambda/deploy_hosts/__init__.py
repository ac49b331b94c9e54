"""Puts a release onto hosts."""
