"""The input: product manifests, checked and frozen. Imports nothing of aws_cdk."""

from products.errors import ManifestError
from products.loader import load
from products.model import Environment, Product

__all__ = ["Environment", "ManifestError", "Product", "load"]
