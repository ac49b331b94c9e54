"""The product of a command: the named one, else the only manifest, else the only one that is deployed."""

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


@cache
def examples() -> tuple[str, ...]:
    """Returns the names of the products that only the demo deploys."""
    return tuple(sorted(path.stem for path in (ROOT / "products" / "examples").glob("*.yaml")))


def named(name: str | None) -> str:
    """Returns the product named by the option or variable, or that of the only manifest; else an empty string."""
    if name:
        typed.INVOCATION.product = name
        return name
    return os.environ.get(VARIABLE, "") or (manifests()[0] if len(manifests()) == 1 else "")


def loaded(name: str) -> Product:
    """Returns the product of a manifest.

    Raises:
        CommandError: if the manifest is invalid.
    """
    from products import ManifestError, load  # noqa: PLC0415 - pydantic takes longer than the rest of the start

    try:
        return load(name)
    except ManifestError as error:
        raise usage(str(error)) from None


def product(name: str | None, cloud: Cloud | None) -> Product:
    """Returns the product of a command.

    Raises:
    CommandError: if several products are possible, or the manifest is invalid.
    """
    if known := named(name):
        return loaded(known)
    candidates = [loaded(manifest) for manifest in (*manifests(), *examples())] if cloud is not None else []
    deployed = [candidate for candidate in candidates if cloud is not None and _deployed(candidate, cloud)]
    if len(deployed) == 1:
        return deployed[0]
    names = [candidate.name for candidate in deployed] or list(manifests())
    again = typed.again(product=names[0])
    if cloud is None:
        raise usage(f"several products are possible; name one of: {', '.join(names)}", again)
    if deployed:
        raise usage(f"{' and '.join(names)} are deployed on {cloud.name}; name one of them", again)
    if cloud.local is not None:
        raise CommandError(f"no product is deployed on {cloud.name} yet", f"{typed.command('demo')}; or {again}")
    raise usage(f"these credentials can see no pipeline of {_any(names)} in {cloud.name}", again)


def _any(names: list[str]) -> str:
    return " or ".join(names)


def _deployed(product: Product, cloud: Cloud) -> bool:
    """True if a product is deployed in the cloud and its credentials can see it."""
    tooling = product.tooling
    if not cloud.reaches(tooling.account):
        return False
    cloud.enter(tooling.account, tooling.region)
    import boto3  # noqa: PLC0415 - takes as long as the rest of the start
    from botocore.exceptions import ClientError  # noqa: PLC0415 - as boto3

    from products import names  # noqa: PLC0415 - as products above
    from products.flows import deliveries  # noqa: PLC0415 - as products above

    pipelines = {delivery.pipeline for delivery in deliveries(product)}
    try:
        if pipelines:
            client: Any = boto3.client("codepipeline", region_name=tooling.region)
            pages = client.get_paginator("list_pipelines").paginate()
            return any(pipeline["name"] in pipelines for page in pages for pipeline in page["pipelines"])
        stacks: Any = boto3.client("cloudformation", region_name=tooling.region)
        stacks.describe_stacks(StackName=names.stack("tooling", product.name, "registry"))
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in {"ValidationError", "AccessDenied", "AccessDeniedException"}:
            return False
        raise
    return True
