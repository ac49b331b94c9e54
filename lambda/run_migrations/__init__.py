"""Runs the migration task of a release."""
