"""Restrictions of AWS that are checked before a deployment: versions, classes, sizes and names.

Each rule yields error messages as in products/checks.py. Each fact has its source and date next to it. Facts that
change often are in offered.json, which `python -m products.restrictions.generate` takes from cfn-lint.
"""

from __future__ import annotations

from collections.abc import Iterator

from products.model import Product
from products.restrictions import caches, databases


def problems(product: Product) -> Iterator[str]:
    """Yields an error message for each value that AWS would refuse at the deployment."""
    yield from databases.problems(product)
    yield from caches.problems(product)
