"""Elastic Compute Cloud."""
