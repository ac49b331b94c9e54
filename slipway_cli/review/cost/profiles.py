"""Variants of an environment: each profile with every kind of NAT, to compare what the choices cost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from products import Product, profiles
from products.environment import Environment
from products.errors import ProblemsError
from products.loader import validated
from slipway_cli.review.errors import ReviewError

Json = dict[str, Any]
NATS = ("gateway", "instance", "none")


@dataclass(frozen=True)
class Variant:
    """A profile with a kind of NAT. `problem` says why the manifest cannot use it."""

    profile: str
    nat: str
    environment: Environment
    problem: str = ""


def _sized(profile: str, given: Json, product: Product) -> Json:
    """Returns an environment as the profile sets it; raises the maximum of scaling to the task count if necessary.

    A part that the product does not have, such as a cache, has no size.
    """
    services = json.loads(product.model_dump_json(include={"services"}, exclude_none=True))["services"]
    wanted = profiles.settings(profile, region=given["region"], network=_zones(given), services=services)
    for name, size in wanted["services"].items():
        scaling = product.services[name].scaling
        if scaling:
            most = max(scaling.maximum, size["count"])
            size["scaling"] = scaling.model_copy(update={"maximum": most}).model_dump(mode="json")
    sections = {key: value for key, value in wanted.items() if isinstance(value, dict) and key != "services"}
    sized = {key: {**given[key], **value} if given[key] else None for key, value in sections.items()}
    return {**given, **wanted, **sized}


def _zones(given: Json) -> Json:
    letters = given["network"]["zone_letters"]
    return {"zone_letters": letters} if letters else {}


def variants(product: Product, environment: str) -> list[Variant]:
    """Returns each profile of an environment with each kind of NAT, and the problem if the manifest forbids it."""
    given = json.loads(product.environments[environment].model_dump_json())
    nats = NATS if environment in product.on_fargate() else NATS[:-1]  # hosts and clusters need the internet
    return [_variant(product, profile, nat, given) for profile in profiles.PROFILES for nat in nats]


def _variant(product: Product, profile: str, nat: str, given: Json) -> Variant:
    wanted = _sized(profile, given, product)
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
    return Variant(profile, nat, varied.environments["sized"], problem)


def _valid(whole: Json, profile: str) -> Product:
    try:
        return validated(whole)
    except (ValidationError, ProblemsError) as error:
        raise ReviewError(f"the profile '{profile}' does not fit this manifest: {_message(error)}") from None


def _message(error: ValidationError | ProblemsError) -> str:
    """Returns the manifest's error without the location, which refers to text that the reader did not write."""
    message = str(error if isinstance(error, ProblemsError) else error.errors()[0]["ctx"]["error"])
    return message.splitlines()[0].partition(": ")[2]
