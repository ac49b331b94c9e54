"""Deploys a release to hosts, one after the other, through an SSM document."""
