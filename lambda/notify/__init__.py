"""Tells people how a pipeline does."""
