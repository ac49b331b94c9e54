"""Kubernetes: a real control plane in a container, and our node agent, which runs pods as containers."""
