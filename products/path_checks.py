"""Rules about the paths of services: what AWS accepts, and paths that would hide another part of the product."""

from __future__ import annotations

import re
from collections.abc import Iterator

from products import site_checks
from products.model import Product
from products.paths import EVERYTHING, covers, is_everything, same, specificity

# CloudFront and the load balancer accept the same characters, and the load balancer the shorter patterns (CloudFront:
# 255 characters): docs.aws.amazon.com/elasticloadbalancing, "Path conditions"; docs.aws.amazon.com/AmazonCloudFront,
# "Path pattern"; both read on 2026-11-30. The load balancer also compares upper and lower case, as CloudFront does.
_LENGTH = 128
_REFUSED = re.compile(r"[^A-Za-z0-9_\-.$/~\"'@:+&*?]")
# docs.aws.amazon.com/elasticloadbalancing, "Quotas", 2026-11-30: wildcards in the conditions of one rule.
_WILDCARDS = 5
# docs.aws.amazon.com/AmazonCloudFront, "Quotas", 2026-11-30: behaviors of a distribution, the default one included.
_BEHAVIORS = 75


def problems(product: Product) -> Iterator[str]:
    """Yields an error message for each path that AWS would refuse, or that hides another part of the product."""
    routed: dict[str, tuple[str, str]] = {}
    for name, service in product.services.items():
        for key, paths in (("paths", service.paths), ("static_paths", service.static_paths)):
            for path in paths:
                place = f"services.{name}.{key}"
                if refusal := _refusal(path) or _stale(path, key) or _hides(product, path):
                    yield f"{place}: {refusal}"
                elif same(path) in routed:
                    yield f"{place}: {_again(path, name, key, *routed[same(path)])}"
                routed.setdefault(same(path), (name, key))
    patterns = len(routed) + _fixed(product)
    if patterns > _BEHAVIORS:
        last = max(product.services, key=lambda name: len(product.services[name].paths))
        yield (
            f"services.{last}.paths: the product has {patterns} path patterns, with the default and /media/*, and "
            f"CloudFront allows {_BEHAVIORS} in a distribution; replace several with one that ends in /*"
        )


def _refusal(path: str) -> str | None:
    """Returns why AWS would refuse a path pattern, and what to write instead; None if it would not."""
    if found := _REFUSED.search(path):
        return (
            f"'{path}' contains '{found[0]}', which path patterns on AWS cannot; write ? for a single character and * "
            "for any number of characters"
        )
    if len(path) > _LENGTH:
        return (
            f"'{path[:30]}…' has {len(path)} characters, and the load balancer allows {_LENGTH}; end it earlier with *"
        )
    wildcards = path.count("*") + path.count("?")
    if wildcards > _WILDCARDS:
        return f"'{path}' has {wildcards} wildcards, and the load balancer allows {_WILDCARDS}; end it earlier with *"
    return None


def _stale(path: str, key: str) -> str | None:
    """Returns why a path should not be cached, and what to write instead; None if it may be."""
    if key == "static_paths" and is_everything(path):
        return (
            f"'{path}' would cache pages too, and visitors would see those of earlier releases for up to a day; write "
            "paths: [/*], and static_paths for files whose names change with their content, e.g. [/static/*]"
        )
    return None


def _hides(product: Product, path: str) -> str | None:
    """Returns which part of the product a path would hide, and what to write instead; None if it hides nothing."""
    if product.media and covers(site_checks.MEDIA, path):
        return (
            f"'{path}' hides {site_checks.MEDIA}, where CloudFront serves uploads from the media bucket; choose "
            "another path, or write media: false if the product stores no uploads there"
        )
    return site_checks.hidden(product, path)


def _again(path: str, name: str, key: str, other: str, other_key: str) -> str:
    """Returns the message for a path that is routed twice."""
    if other == name and other_key != key:
        return f"'{path}' is also one of its {other_key}; remove one of them: a path is either cached or not"
    owner = "the same service" if other == name else f"'{other}'"
    return f"'{path}' is already routed to {owner}; remove one of them"


def routes(product: Product) -> list[tuple[str, str, bool]]:
    """Returns each path with its service and True if it may be cached, in the order in which they must be tried.

    A path that ends in `/*` and is not cached is routed without that ending too, as long as CloudFront's limit allows
    it: `/admin` for `/admin/*`.
    """
    found = [
        (EVERYTHING if is_everything(path) else path, name, cached)
        for name, service in product.services.items()
        for cached, paths in ((False, service.paths), (True, service.static_paths))
        for path in paths
    ]
    # CloudFront's /admin/* does not match /admin, which people type; the frontend would answer it.
    taken = {same(path) for path, _, _ in found}
    bare = [
        (stem, name, False)
        for path, name, cached in found
        if not cached and (stem := _bare(path)) and same(stem) not in taken
    ]
    room = _BEHAVIORS - _fixed(product) - len(found)
    return sorted([*found, *bare[: max(0, room)]], key=lambda route: specificity(route[0]))


def _fixed(product: Product) -> int:
    """Returns the number of CloudFront's behaviors that are not of services: the default, media, and frontends."""
    return 1 + product.media + sum(len(site_checks.patterns(site)) for site in product.sites().values())


def _bare(path: str) -> str:
    """Returns `/admin` for `/admin/*`; empty for other patterns, and for those that would match more than one path."""
    stem = path.removesuffix("/*")
    return stem if stem != path and not set(stem) & set("*?") else ""
