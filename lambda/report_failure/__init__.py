"""Keeps one GitHub issue per failing pipeline, and the status of commits."""
