"""Keeps one GitHub issue per failing pipeline, and sets the status of commits."""
