"""Which product a command is about, where nobody says so: the only manifest, or the only one that is deployed."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from paths import ROOT
from slipway_cli import typed
from slipway_cli.errors import CommandError, usage

if TYPE_CHECKING:
    from products import Product
    from slipway_cli.cloud import Cloud

VARIABLE = "SLIPWAY_PRODUCT"


@cache
def manifests() -> tuple[str, ...]:
    """Returns the names of the products that have a manifest."""
    return tuple(sorted(path.stem for path in (ROOT / "products").glob("*.yaml")))


def named(name: str | None) -> str:
    """Returns the product that is named by an option or a variable, or that has the only manifest; else nothing."""
    if name:
        typed.INVOCATION.product = name
        return name
    return os.environ.get(VARIABLE, "") or (manifests()[0] if len(manifests()) == 1 else "")


def loaded(name: str) -> Product:
    """Returns a product by its manifest.

    Raises:
        CommandError: if the manifest cannot be used.
    """
    from products import ManifestError, load  # noqa: PLC0415 - pydantic takes longer than the rest of the start

    try:
        return load(name)
    except ManifestError as error:
        raise usage(str(error)) from None


def product(name: str | None, cloud: Cloud | None) -> Product:
    """Returns the product that a command is about.

    Raises:
        CommandError: if it cannot be told, or its manifest cannot be used.
    """
    if known := named(name):
        return loaded(known)
    found = [loaded(each) for each in manifests()] if cloud is not None else []
    there = [each for each in found if cloud is not None and _deployed(each, cloud)]
    if len(there) == 1:
        return there[0]
    names = [each.name for each in there] or list(manifests())
    say = typed.again(product=names[0])
    if cloud is None:
        raise usage(f"which product: {_any(names)}?", say)
    if there:
        raise usage(f"{' and '.join(names)} are deployed on {cloud.name}: which is meant?", say)
    if cloud.local is not None:
        raise CommandError(f"no product is deployed on {cloud.name} yet", f"{typed.command('demo')}; or {say}")
    raise usage(f"{cloud.name} has no pipeline of {_any(names)} that these credentials may see", say)


def _any(names: list[str]) -> str:
    return " or ".join(names)


def _deployed(product: Product, cloud: Cloud) -> bool:
    """Whether a product is deployed where a cloud's credentials reach, as far as they may see."""
    tooling = product.tooling
    if not cloud.reaches(tooling.account):
        return False
    cloud.enter(tooling.account, tooling.region)
    import boto3  # noqa: PLC0415 - takes as long as the rest of the start
    from botocore.exceptions import ClientError  # noqa: PLC0415 - as boto3

    from products import names  # noqa: PLC0415 - as products above
    from products.flows import deliveries  # noqa: PLC0415 - as products above

    pipelines = {each.pipeline for each in deliveries(product)}
    try:
        if pipelines:
            client: Any = boto3.client("codepipeline", region_name=tooling.region)
            pages = client.get_paginator("list_pipelines").paginate()
            return any(each["name"] in pipelines for page in pages for each in page["pipelines"])
        stacks: Any = boto3.client("cloudformation", region_name=tooling.region)
        stacks.describe_stacks(StackName=names.stack("tooling", product.name, "registry"))
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in {"ValidationError", "AccessDenied", "AccessDeniedException"}:
            return False
        raise
    return True
