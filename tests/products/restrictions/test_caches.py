"""The loader refuses, in a sentence, settings that ElastiCache refuses."""

from __future__ import annotations

import pytest

from products.errors import ProblemsError
from tests.support.manifests import product

PLACE = "environments.production.cache.node"


def refused(engine: str = "redis", version: str = "7.1", node: str = "cache.t4g.small") -> list[str]:
    try:
        product({"cache": {"engine": engine, "version": version}, PLACE: node})
    except ProblemsError as error:
        return error.sentences
    return []


@pytest.mark.parametrize(
    ("engine", "version"),
    [("redis", "6.0"), ("redis", "6.2"), ("redis", "7.1"), ("valkey", "7.2"), ("valkey", "8.0"), ("valkey", "8.1")],
)
def test_a_version_that_elasticache_offers_is_accepted(engine: str, version: str) -> None:
    assert refused(engine, version) == []


@pytest.mark.parametrize(
    ("engine", "version", "hint"),
    [
        ("redis", "7.2", 'write "7.1", or engine: valkey (versions of redis: 6.0, 6.2, 7.0, 7.1)'),
        ("redis", "8.0", 'write "7.1", or engine: valkey (versions of redis: 6.0, 6.2, 7.0, 7.1)'),
        ("redis", "6.1", 'write "6.2" (versions of redis: 6.0, 6.2, 7.0, 7.1)'),
        ("redis", "5.0", 'write "6.2" (versions of redis: 6.0, 6.2, 7.0, 7.1)'),
        ("valkey", "7.1", 'write "7.2", or engine: redis (versions of valkey: 7.2, 8.0, 8.1, 8.2, 9.0, 9.1)'),
        ("valkey", "8.3", 'write "8.2" (versions of valkey: 7.2, 8.0, 8.1, 8.2, 9.0, 9.1)'),
        ("valkey", "10.0", 'write "9.1" (versions of valkey: 7.2, 8.0, 8.1, 8.2, 9.0, 9.1)'),
    ],
)
def test_a_version_that_elasticache_does_not_offer_is_refused_with_the_nearest(
    engine: str, version: str, hint: str
) -> None:
    assert refused(engine, version) == [f"cache.version: ElastiCache does not offer {engine} {version}; {hint}"]


@pytest.mark.parametrize(
    ("node", "complaint"),
    [
        ("cache.t2.micro", "ElastiCache creates no more caches on cache.t2; write cache.t4g"),
        ("cache.r6gd.xlarge", "cache.r6gd keeps a part of its data on disk, which Slipway does not set up; write "),
        ("cache.t1.micro", "ElastiCache has no nodes cache.t1; did you mean "),
        ("cache.m1.small", "ElastiCache has no nodes cache.m1; did you mean "),
        ("cache.t4g.large", "ElastiCache has no cache.t4g.large; the sizes of cache.t4g are: medium, micro, small"),
        ("cache.m7g.micro", "ElastiCache has no cache.m7g.micro; the sizes of cache.m7g are: "),
    ],
)
def test_a_node_that_elasticache_does_not_create_is_refused(node: str, complaint: str) -> None:
    problems = refused(node=node)

    assert len(problems) == 1
    assert problems[0].startswith(f"{PLACE}: {complaint}")


@pytest.mark.parametrize("node", ["cache.t3.micro", "cache.t4g.medium", "cache.m7g.large", "cache.r7g.xlarge"])
def test_a_node_that_elasticache_creates_is_accepted(node: str) -> None:
    assert refused(node=node) == []


def test_a_node_that_the_region_lacks_is_refused() -> None:
    with pytest.raises(ProblemsError) as error:
        product(
            {
                PLACE: "cache.c7gn.large",
                "environments.production.region": "eu-west-3",
                "environments.production.edge": {},
            }
        )

    assert error.value.sentences == [f"{PLACE}: eu-west-3 has no cache.c7gn.large; write e.g. cache.t4g.small"]
