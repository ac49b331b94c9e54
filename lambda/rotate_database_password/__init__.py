"""Rotates the application's database password."""
