"""Application Auto Scaling: its API, and its resource types over it."""
