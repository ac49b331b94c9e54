"""Releases on this host's MicroK8s: what `slipway_host` does with Docker Compose, with pods."""
