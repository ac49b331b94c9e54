"""Rotates a database's master password."""
