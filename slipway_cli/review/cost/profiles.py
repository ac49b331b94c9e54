"""Variants of an environment: three sizes, each with every kind of NAT, to compare what the choices cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from products import Product
from products.environment import Environment
from products.errors import ProblemsError
from products.loader import validated
from products.regions import REGIONS
from slipway_cli.review.errors import ReviewError

Json = dict[str, Any]
NATS = ("gateway", "instance", "none")


@dataclass(frozen=True)
class Profile:
    """A size of an environment."""

    name: str
    means: str
    apply: Callable[[Json, Product], Json]
    """Returns the manifest section of an environment, changed to this size."""


@dataclass(frozen=True)
class Variant:
    """A profile with a kind of NAT. `problem` says why the manifest cannot use it."""

    profile: str
    nat: str
    environment: Environment
    problem: str = ""


def _sized(environment: Json, product: Product, counts: dict[str, int], **parts: Json) -> Json:
    """Returns an environment with other sizes. The maximum of scaling is raised to the task count if necessary.

    A part that the product does not have, such as a cache, has no size.
    """
    services: dict[str, Json] = {}
    for name, count in counts.items():
        services[name] = {"count": count}
        scaling = product.services[name].scaling
        if scaling:
            most = max(scaling.maximum, count)
            services[name]["scaling"] = scaling.model_copy(update={"maximum": most}).model_dump(mode="json")
    sized = {**environment, "services": services}
    return {**sized, **{key: {**environment[key], **value} for key, value in parts.items() if environment[key]}}


def _minimal(environment: Json, product: Product) -> Json:
    return _sized(
        environment,
        product,
        dict.fromkeys(product.services, 1),
        network={"zones": 2, "nat_count": 1},
        database={"instance": "db.t4g.micro", "storage_gb": 20, "maximum_storage_gb": None, "multi_az": False},
        cache={"node": "cache.t4g.micro", "replicas": 0, "snapshot_days": 0},
        edge={"waf": False},
    )


def _standard(environment: Json, product: Product) -> Json:
    return _sized(
        environment,
        product,
        {name: service.count for name, service in product.services.items()},
        network={"zones": 2, "nat_count": 1},
        database={"instance": "db.t4g.small", "storage_gb": 50, "maximum_storage_gb": None, "multi_az": False},
        cache={"node": "cache.t4g.small", "replicas": 0, "snapshot_days": 1},
        edge={"waf": False},
    )


def _ha(environment: Json, product: Product) -> Json:
    zones = min(3, len(environment["network"]["zone_letters"] or REGIONS[environment["region"]].zone_letters))
    return _sized(
        environment,
        product,
        {name: 1 if service.singleton else max(service.count, 3) for name, service in product.services.items()},
        network={"zones": zones, "nat_count": zones},
        database={"instance": "db.m7g.large", "storage_gb": 100, "maximum_storage_gb": None, "multi_az": True},
        cache={"node": "cache.t4g.medium", "replicas": 1, "snapshot_days": 7},
        edge={"waf": environment["region"] == "us-east-1"},
    )


PROFILES = (
    Profile("minimal", "1 task a service, db.t4g.micro, cache.t4g.micro, 1 NAT, 2 zones", _minimal),
    Profile("standard", "the product's tasks, db.t4g.small 50 GB, cache.t4g.small, 1 NAT, 2 zones", _standard),
    Profile("ha", "3 tasks a service, db.m7g.large with standby, cache with replica, WAF, a NAT in each zone", _ha),
)


def variants(product: Product, environment: str) -> list[Variant]:
    """Returns each profile of an environment with each kind of NAT, and the problem if the manifest forbids it."""
    given = json.loads(product.environments[environment].model_dump_json())
    return [_variant(product, profile, nat, given) for profile in PROFILES for nat in NATS]


def _variant(product: Product, profile: Profile, nat: str, given: Json) -> Variant:
    wanted = profile.apply(given, product)
    wanted["network"]["nat"] = nat
    whole = json.loads(product.model_dump_json()) | {"pipeline": None, "environments": {"sized": wanted}}
    problem = ""
    try:
        varied = validated(whole)
    except (ValidationError, ProblemsError) as error:
        problem = _message(error)
        # The cost is interesting all the same, so it is estimated as if no service called the internet.
        whole["services"] = {name: {**service, "internet": False} for name, service in whole["services"].items()}
        varied = _valid(whole, profile)
    return Variant(profile.name, nat, varied.environments["sized"], problem)


def _valid(whole: Json, profile: Profile) -> Product:
    try:
        return validated(whole)
    except (ValidationError, ProblemsError) as error:
        raise ReviewError(f"the profile '{profile.name}' does not fit this manifest: {_message(error)}") from None


def _message(error: ValidationError | ProblemsError) -> str:
    """Returns the manifest's error without the location, which refers to text that the reader did not write."""
    message = str(error if isinstance(error, ProblemsError) else error.errors()[0]["ctx"]["error"])
    return message.splitlines()[0].partition(": ")[2]
