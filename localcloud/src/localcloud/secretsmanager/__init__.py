"""Secrets Manager: its resource types, and rotation."""
