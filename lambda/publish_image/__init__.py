"""Copies the images of a release to ECR Public."""
