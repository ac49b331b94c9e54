"""What CloudFormation needs to make, change and delete the resources of the templates, as statements of policies.

The question is the local cloud's own (`local.identity.needs`); the answer is scoped to the names of the products.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from local.identity import needs
from policy.execution import resources
from products import Product, names
from products.model import Environment, Tooling

Json = dict[str, Any]
# CloudFormation shortens what it generates: of a stack's name at least this much is left in a role's name.
_KEPT = 24
_CONDITIONS = ("iam:AWSServiceName", needs.BOUNDARY, "iam:PassedToService")
_GLOBAL = frozenset({"cloudfront", "iam", "s3", "sts"})
Key = tuple[str, str, str]
"""An action, and the condition it is allowed under: key and value, or two empty texts."""


def boundary(account: str) -> str:
    """The ARN of the boundary in an account."""
    return f"arn:aws:iam::{account}:policy/{names.BOUNDARY}"


def prefixes(product: Product) -> list[str]:
    """What the names of the stacks of a product begin with."""
    return [names.prefix(environment, product.name) for environment in ("tooling", *product.environments)]


def scoped(arn: str, product: Product) -> str:
    """A resource's ARN, widened to all that bears the product's name in the same place."""
    arn = arn.replace("**", "*")
    for prefix in prefixes(product):
        for end in ("-", "/"):
            before, found, _ = arn.partition(f"{prefix}{end}")
            if found and end == "-":
                return f"{before}{found[:_KEPT]}*"
    for begin in ("/", ":"):
        for end in ("/", "-"):
            before, found, _ = arn.partition(f"{begin}{product.name}{end}")
            if found:
                return f"{before}{found}*"
    return arn


def wanted(products: Iterable[Product], account: str) -> Iterator[tuple[needs.Need, Product]]:
    """Every need of every resource of an account, when it is made, changed and deleted."""
    for product in products:
        for resource in resources.of(product):
            if resource.account != account:
                continue
            for verb in (needs.CREATE, needs.UPDATE, needs.DELETE):
                step = needs.Step(resource.kind, verb, resource.props, resource.name)
                for need in needs.of(step, account=account, region=resource.region):
                    yield need, product


def _condition(need: needs.Need, account: str) -> tuple[str, str]:
    if need.action in needs.BINDING | needs.OF_A_BOUNDED_ROLE:
        return needs.BOUNDARY, boundary(account)
    key = next((each for each in _CONDITIONS if each in need.context), "")
    return key, str(need.context.get(key, ""))


def gathered(products: Iterable[Product], account: str) -> dict[Key, set[str]]:
    """The resources of each action."""
    found: dict[Key, set[str]] = defaultdict(set)
    for need, product in wanted(products, account):
        found[(need.action, *_condition(need, account))].add(scoped(need.resource, product))
    return {key: fewest(places) for key, places in found.items()}


def fewest(places: set[str]) -> set[str]:
    """Without those that another one covers."""
    return {each for each in places if not any(each != other and fnmatchcase(each, other) for other in places)}


def statements(products: Iterable[Product], account: str) -> list[Json]:
    """The statements of the execution role in an account: one for each set of resources and condition."""
    by_place: dict[tuple[tuple[str, ...], str, str, str], set[str]] = defaultdict(set)
    for (action, key, value), covered in gathered(products, account).items():
        service = action.partition(":")[0]
        by_place[tuple(sorted(covered)), key, value, service].add(action)
    found = []
    regions = sorted(_regions(products, account))
    for (places, key, value, service), actions in sorted(by_place.items(), key=lambda it: (it[0][3], sorted(it[1]))):
        statement: Json = {"Effect": "Allow", "Action": sorted(actions), "Resource": unlisted(list(places))}
        if key:
            statement["Condition"] = {"StringEquals": {key: value}}
        elif places == ("*",) and service not in _GLOBAL:
            statement["Condition"] = {"StringEquals": {"aws:RequestedRegion": unlisted(regions)}}
        found.append(statement)
    return found


def unlisted(values: list[str]) -> str | list[str]:
    """A list as IAM takes it: a single value alone."""
    return values[0] if len(values) == 1 else values


def _places(products: Iterable[Product]) -> Iterator[Tooling | Environment]:
    for product in products:
        yield product.tooling
        yield from product.environments.values()


def _regions(products: Iterable[Product], account: str) -> set[str]:
    return {place.region for place in _places(products) if place.account == account}


def accounts(products: Iterable[Product]) -> list[str]:
    """The accounts that the products are deployed to."""
    return sorted({place.account for place in _places(products)})


def size(document: Mapping[str, Any]) -> int:
    """The characters that IAM counts: it leaves white space out."""
    return len(json.dumps(document, separators=(",", ":")))
