"""`slipway doctor`: asks every account of a product that the credentials reach."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from products import Product
from slipway_cli.cloud import Cloud
from slipway_cli.doctor.asking import ask
from slipway_cli.doctor.model import TOOLING, Finding, Place, unknown
from slipway_cli.doctor.registry import CHECKS
from slipway_cli.doctor.scene import Check, Scene
from slipway_cli.typed import command


def examined(
    product: Product, cloud: Cloud, parts: Sequence[str], checks: Iterable[Check] = CHECKS
) -> dict[Place, list[Finding]]:
    """Returns the findings of each account and region of some parts of a product, `tooling` first.

    An account that the credentials do not belong to has one finding, which says so.

    Raises:
        ClientError: if AWS does not accept the credentials.
        BotoCoreError: if there are no credentials any more.
    """
    found: dict[Place, list[Finding]] = {}
    for place in places(product, parts):
        if not cloud.reaches(place.account):
            fix = with_profile(place, "doctor")
            found[place] = [unknown("credentials", f"they are those of {cloud.name}", fix)]
            continue
        cloud.enter(place.account, place.region)
        found[place] = ask(Scene(product, place), checks)
    return found


def places(product: Product, parts: Sequence[str]) -> list[Place]:
    """Returns the accounts and regions of some parts of a product, each once."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for part in parts:
        where = product.tooling if part == TOOLING else product.environments[part]
        grouped.setdefault((where.account, where.region), []).append(part)
    return [Place(account, region, tuple(named)) for (account, region), named in grouped.items()]


def with_profile(place: Place, verb: str) -> str:
    """Returns the command line that does the same in a place of another account."""
    return f"AWS_PROFILE=<a profile of account {place.account}> {command(verb, *place.parts)}"
