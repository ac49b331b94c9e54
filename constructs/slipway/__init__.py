"""Slipway's construct library: one noun per module, no manifest and no environment name inside."""
