"""ElastiCache's restrictions of a Redis or Valkey cache."""

from __future__ import annotations

from collections.abc import Iterator

from products.errors import nearest
from products.model import Product
from products.restrictions.offered import closest, offered

# docs.aws.amazon.com/AmazonElastiCache/latest/dg, CacheNodes.SupportedTypes, read 2026-11-30: no new cluster can be
# created on T2; R4 and M4 are the generation before. R6gd needs data tiering (same guide, data-tiering), which a cache
# with one shard in memory does not use.
_CLOSED = {
    "t2": "ElastiCache creates no more caches on cache.t2; write cache.t4g",
    "r6gd": "cache.r6gd keeps a part of its data on disk, which Slipway does not set up; write cache.r7g",
}


def problems(product: Product) -> Iterator[str]:
    """Yields an error message for each value of the cache that ElastiCache would refuse."""
    if product.cache is None:
        return
    yield from _version(product.cache.engine, product.cache.version)
    for name, environment in product.environments.items():
        if environment.cache:
            yield from _node(f"environments.{name}.cache.node", environment.cache.node, environment.region)


def _version(engine: str, version: str) -> Iterator[str]:
    versions: list[str] = offered()[engine]
    if version in versions:
        return
    other = "valkey" if engine == "redis" else "redis"
    also = f", or engine: {other}" if version in offered()[other] else ""
    yield (
        f'cache.version: ElastiCache does not offer {engine} {version}; write "{closest(versions, version)}"{also} '
        f"(versions of {engine}: {', '.join(versions)})"
    )


def _node(place: str, node: str, region: str) -> Iterator[str]:
    _, family, size = node.split(".")
    families = offered()["cache_nodes"]
    if family in _CLOSED:
        yield f"{place}: {_CLOSED[family]}"
    elif family not in families:
        known = [name for name in families if name not in _CLOSED]
        yield f"{place}: ElastiCache has no nodes cache.{family}{nearest(family, known)}"
    elif size not in families[family]:
        yield f"{place}: ElastiCache has no {node}; the sizes of cache.{family} are: {', '.join(families[family])}"
    elif region in offered()["regions_without_cache_node"].get(node, ()):
        yield f"{place}: {region} has no {node}; write e.g. cache.t4g.small"
