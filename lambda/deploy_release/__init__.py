"""Deploys a release by updating a Services stack."""
