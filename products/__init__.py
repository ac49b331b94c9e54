"""The input: product manifests, checked and frozen. Imports nothing of aws_cdk."""

from products.errors import ManifestError
from products.loader import load, product_names
from products.model import Environment, Product

__all__ = ["Environment", "ManifestError", "Product", "load", "product_names"]
