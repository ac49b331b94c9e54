"""Slipway's construct library. Each module is about one thing; none knows the manifest or an environment's name."""
