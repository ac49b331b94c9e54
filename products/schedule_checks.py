"""Rules about scheduled tasks that involve other parts of a product: error messages, as in checks.py."""

from __future__ import annotations

from collections.abc import Iterator

from products import names
from products.errors import nearest
from products.model import Product


def problems(product: Product) -> Iterator[str]:
    """Yields an error message for every mistake in the schedules of a product."""
    reserved = names.reserved_services((*product.services, *product.schedules)) | {"schedules", "schedule"}
    for name, schedule in product.schedules.items():
        place = f"schedules.{name}"
        if name in product.services:
            yield f"{place}: a service has this name, and both would have the same log group; give the schedule another"
        elif name in reserved:
            yield f"{place}: the name is reserved for a part of the environment; give the schedule another"
        if schedule.image not in product.images:
            yield f"{place}.image: no image '{schedule.image}' under images{nearest(schedule.image, [*product.images])}"
    for name in product.services:
        if name in names.reserved_services(product.schedules) - names.reserved_services(()):
            yield f"services.{name}: the name is reserved for a part of a schedule; give the service another"
