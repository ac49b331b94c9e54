"""Product manifests, validated and frozen: the input of everything else. Does not import aws_cdk."""

from products.environment import Environment
from products.errors import ManifestError
from products.loader import example_names, load, product_names
from products.model import Product

__all__ = ["Environment", "ManifestError", "Product", "example_names", "load", "product_names"]
