"""Compares access: permissions, trust policies, resource policies, networks and public exposure."""
