"""Relational Database Service."""
