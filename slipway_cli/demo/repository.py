"""The product's repository on the local GitHub, and the secret its functions use there."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import boto3

from localcloud.github.publish import Published, publish
from localcloud.settings import Settings
from paths import ROOT
from products import Product, infrastructure_flow
from products.flows import deliveries
from products.pipeline import Pipeline


def branch(product: Product) -> str:
    """Returns the branch whose pushes start a pipeline that builds and deploys: the repository's, unless none does."""
    own = product.repository.branch
    deploying = [
        delivery.branch for delivery in deliveries(product) if delivery.environments() and not delivery.flow.images_from
    ]
    return own if own in deploying or not deploying else deploying[0]


def put_on_github(settings: Settings, product: Product, pipeline: Pipeline, source: Path) -> Published:
    """Publish the repository with a working clone; earlier pushes and changes are kept.

    If it is the platform repository too, it has this checkout of Slipway in `pipeline.infrastructure.directory`.
    """
    _make_secret(product, pipeline)
    repository = product.repository
    return publish(
        source,
        repository.owner,
        repository.name,
        branch(product),
        facts={
            "secret": pipeline.github.secret,
            "repository-id": str(repository.id),
            "owner-id": str(repository.owner_id),
        },
        folders=platform_folders(pipeline),
        settings=settings,
    )


def platform_folders(pipeline: Pipeline) -> dict[str, Path]:
    """Returns where the product's own repository has this checkout of Slipway; nowhere, if another one has it."""
    section = pipeline.infrastructure
    if section is None or section.repository is not None or section.directory == ".":
        return {}
    return {section.directory: ROOT}


def put_platform_on_github(
    settings: Settings, product: Product, pipeline: Pipeline, platform: Path
) -> Published | None:
    """Publish the platform repository, whose pushes deploy the stacks; None if it is not one of its own.

    The files are those of this checkout that git tracks, or would add.
    """
    section = pipeline.infrastructure
    if section is None or section.repository is None:
        return None
    _make_secret(product, pipeline)
    repository, branch = section.repository, infrastructure_flow.branch(product, section)
    facts = {"secret": pipeline.github.secret}
    return publish(platform, repository.owner, repository.name, branch, facts=facts, settings=settings)


def _make_secret(product: Product, pipeline: Pipeline) -> None:
    client = boto3.client("secretsmanager", region_name=product.tooling.region)
    token = json.dumps({"token": f"local-{secrets.token_hex(16)}"})
    try:
        client.create_secret(Name=pipeline.github.secret, SecretString=token)
    except client.exceptions.ResourceExistsException:
        return
