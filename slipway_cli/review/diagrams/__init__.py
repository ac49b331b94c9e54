"""Draws environments and pipelines from their templates."""
