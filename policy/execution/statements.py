"""Policy statements that allow CloudFormation to create, update and delete the resources of the templates.

The required permissions are those that the local cloud checks (`localcloud.cloudformation.needs`), restricted to the
products' names.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from localcloud.cloudformation import needs
from policy.execution import arns, resources
from policy.templates import Read, templates
from products import Product, names
from products.environment import Environment
from products.model import Tooling

Json = dict[str, Any]
# CloudFormation shortens the names it generates: a role's name keeps at least this much of the stack's name.
_KEPT = 24
_CONDITIONS = ("iam:AWSServiceName", needs.BOUNDARY, "iam:PassedToService")
_GLOBAL = frozenset({"cloudfront", "iam", "s3", "sts"})
Key = tuple[str, str, str]
"""An action and its condition: key and value, or two empty texts."""


def boundary(account: str) -> str:
    """Returns the ARN of the boundary in an account."""
    return arns.arn("iam", f"policy/{names.BOUNDARY}", account=account)


def prefixes(product: Product) -> list[str]:
    """Returns the prefixes of the names of a product's stacks."""
    return [names.prefix(environment, product.name) for environment in ("tooling", *product.environments)]


def scoped(arn: str, product: Product) -> str:
    """Returns an ARN, widened to all resources with the product's name at the same position."""
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


def wanted(products: Iterable[Product], account: str, read: Read) -> Iterator[tuple[needs.Need, Product]]:
    """Yields the needs of all resources of an account, for creation, update and deletion."""
    for product in products:
        for resource in resources.of(product, read):
            if resource.account != account:
                continue
            for verb in (needs.CREATE, needs.UPDATE, needs.DELETE):
                step = needs.Step(resource.kind, verb, resource.props, resource.name)
                for need in needs.permissions(step, account=account, region=resource.region):
                    yield need, product


def _condition(need: needs.Need, account: str) -> tuple[str, str]:
    if need.action in needs.BINDING | needs.ON_BOUNDED_ROLE:
        return needs.BOUNDARY, boundary(account)
    key = next((condition for condition in _CONDITIONS if condition in need.context), "")
    return key, str(need.context.get(key, ""))


def gathered(products: Iterable[Product], account: str, read: Read) -> dict[Key, set[str]]:
    """Returns the resources of each action under each condition."""
    found: dict[Key, set[str]] = defaultdict(set)
    for need, product in wanted(products, account, read):
        found[(need.action, *_condition(need, account))].add(scoped(need.resource, product))
    return {key: fewest(places) for key, places in found.items()}


def fewest(places: set[str]) -> set[str]:
    """Returns the resource patterns without those that another one covers."""
    return {place for place in places if not any(place != other and fnmatchcase(place, other) for other in places)}


def statements(products: Iterable[Product], account: str, read: Read = templates) -> list[Json]:
    """Returns the statements of the execution role in an account, one for each set of resources and condition."""
    by_place: dict[tuple[tuple[str, ...], str, str, str], set[str]] = defaultdict(set)
    for (action, key, value), covered in gathered(products, account, read).items():
        service = action.partition(":")[0]
        by_place[tuple(sorted(covered)), key, value, service].add(action)
    found = []
    regions = sorted(_regions(products, account))
    for (places, key, value, service), actions in sorted(
        by_place.items(), key=lambda entry: (entry[0][3], sorted(entry[1]))
    ):
        statement: Json = {"Effect": "Allow", "Action": sorted(actions), "Resource": unlisted(list(places))}
        if key:
            statement["Condition"] = {"StringEquals": {key: value}}
        elif places == ("*",) and service not in _GLOBAL:
            statement["Condition"] = {"StringEquals": {"aws:RequestedRegion": unlisted(regions)}}
        found.append(statement)
    return found


def unlisted(values: list[str]) -> str | list[str]:
    """Returns a list as IAM writes it: a single value without the list."""
    return values[0] if len(values) == 1 else values


def _places(products: Iterable[Product]) -> Iterator[Tooling | Environment]:
    for product in products:
        yield product.tooling
        yield from product.environments.values()


def _regions(products: Iterable[Product], account: str) -> set[str]:
    return {place.region for place in _places(products) if place.account == account}


def accounts(products: Iterable[Product]) -> list[str]:
    """Returns the accounts that the products are deployed to."""
    return sorted({place.account for place in _places(products)})


def size(document: Mapping[str, Any]) -> int:
    """Returns the size of a document as IAM counts it, without white space."""
    return len(json.dumps(document, separators=(",", ":")))
