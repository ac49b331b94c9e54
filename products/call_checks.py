"""Rules about what services call: each other, the topic of alarms, Amazon Managed Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from products.errors import ProblemsError, nearest
from products.model import Product
from products.values import parse
from products.variables import layers, written


def problems(product: Product) -> Iterator[str]:
    """Yields an error message for each call that would reach nothing."""
    for name, service in product.services.items():
        place = f"services.{name}"
        for called in service.calls:
            yield from _call(product, place, name, called)
        for key in ("alerts", "remote_write"):
            if getattr(service, key) and not service.internet:
                yield f"{place}.{key}: AWS's API is outside of the network; write internet: true too"
        if service.remote_write and service.port is None:
            yield f"{place}.port: missing; `slipway open {name}` needs it, e.g. port: 9090"
    yield from _references(product)


def called(product: Product) -> dict[str, int]:
    """Returns the port of each service that another one calls, in the manifest's order."""
    wanted = {name for service in product.services.values() for name in service.calls}
    return {name: service.port for name, service in product.services.items() if name in wanted and service.port}


def _call(product: Product, place: str, caller: str, called: str) -> Iterator[str]:
    target = product.services.get(called)
    if target is None:
        yield f"{place}.calls: no such service '{called}'{nearest(called, list(product.services))}"
    elif called == caller:
        yield f"{place}.calls: '{called}' is the service itself; remove it"
    elif target.port is None:
        yield f"services.{called}.port: missing; {caller} calls this service, e.g. port: 8000"


def _references(product: Product) -> Iterator[str]:
    """Yields an error message for each reference to something that no service has asked for."""
    services = product.services.values()
    offered = {
        "discovery.domain": (any(service.calls for service in services), "calls: [SERVICE]"),
        "alarms.topic": (any(service.alerts for service in services), "alerts: true"),
    }
    for place, variables in layers(product).items():
        for variable, value in variables.items():
            try:
                references = parse(written(value)).references
            except ProblemsError:
                continue  # variable_checks reports it
            for name in dict.fromkeys(reference.name for reference in references):
                exists, key = offered.get(name, (True, ""))
                if not exists:
                    yield f"{place}.{variable}: ${{{name}}} needs a service with {key}; write it, or remove ${{{name}}}"
