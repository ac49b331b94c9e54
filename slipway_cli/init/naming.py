"""Names of products, images and services, from names that other tools allow."""

from __future__ import annotations

import re
from collections.abc import Collection

from products import names

LONGEST = 24


def longest(environments: Collection[str] = ()) -> int:
    """Returns the number of characters that a product's name may have in these environments."""
    return names.LOAD_BALANCER_LIMIT - 1 - max(len(name) for name in ("production", *environments))


def product(text: str, environments: Collection[str] = ()) -> str:
    """Returns the name of a product in these environments; an empty text if a text has nothing for one."""
    most = longest(environments)
    name = _shortened(_plain(text), most)
    return f"{name[: most - 4]}-app" if name in names.RESERVED_PRODUCTS else name


def _shortened(name: str, most: int) -> str:
    """Returns a name of at most so many characters, without a cut word if another word is left."""
    if len(name) <= most:
        return name
    words = name[: most + 1].rpartition("-")[0]
    return words or name[:most]


def part(text: str, taken: Collection[str], fallback: str) -> str:
    """Returns the name of a service, an image or an environment, which none of the others has."""
    name = _plain(text)[:LONGEST].strip("-") or fallback
    if name in names.reserved_services(()) | {"branches", "tooling", "internal", "schedules", "schedule"} or re.search(
        r"-(task|logs)$", name
    ):
        name = f"{name[: LONGEST - 4]}-app"
    base, number = name, 2
    while name in taken:
        name = f"{base[: LONGEST - 3]}-{number}"
        number += 1
    return name


def _plain(text: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", text).lower()).strip("-")
    return name if not name or name[0].isalpha() else f"p-{name}"
