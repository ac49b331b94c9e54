"""Keeps images in ECR while a person decides about them."""
