"""Product manifests, validated and frozen: the input of everything else. Does not import aws_cdk."""

from products.errors import ManifestError
from products.loader import load, product_names
from products.model import Environment, Product

__all__ = ["Environment", "ManifestError", "Product", "load", "product_names"]
