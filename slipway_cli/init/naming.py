"""Names of products, images and services, from names that other tools allow."""

from __future__ import annotations

import re
from collections.abc import Collection

from products import names

LONGEST = 24


def product(text: str, environments: Collection[str] = ()) -> str:
    """Returns the name of a product in these environments; an empty text if a text has nothing for one."""
    longest = names.LOAD_BALANCER_LIMIT - 1 - max(len(name) for name in ("production", *environments))
    name = _plain(text)[:longest].strip("-")
    return f"{name[: longest - 4]}-app" if name in names.RESERVED_PRODUCTS else name


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
