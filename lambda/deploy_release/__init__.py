"""Puts a release into a Services stack."""
