"""Rules about databases and caches: an environment says how large they are, if the product has them."""

from __future__ import annotations

from collections.abc import Iterator

from products.environment import Environment
from products.model import Product
from products.profiles import PROFILES
from products.storage import CacheSize, DatabaseSize


def problems(product: Product, place: str, environment: Environment) -> Iterator[str]:
    """Yields an error message for each store without a size, and each size without a store."""
    stores = (
        ("database", product.database, environment.database, DatabaseSize),
        ("cache", product.cache, environment.cache, CacheSize),
    )
    for key, store, size, model in stores:
        if store and size is None:
            keys = ", ".join(model.model_fields)
            yield (
                f"{place}.{key}: missing; write it, or one of the profiles {', '.join(PROFILES)}; its keys are: {keys}"
            )
        if size and store is None:
            yield f"{place}.{key}: the product has no {key}; remove this section, or write {key} for the product too"
