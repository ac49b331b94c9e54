"""The tags of images in the registry: which of them move, and by which of them the registry keeps images."""

from __future__ import annotations

from products import names
from products.flows import of_branches
from products.model import Product
from products.pipeline import Pipeline

# Prefixes of the tags that builds/image.yml always sets: on an image, with its commit's full SHA; on cached layers.
COMMIT_TAG, CACHE_TAG = "commit-", "layers-"


def moving_tags(product: Product) -> list[str]:
    """Returns the mutable tags of the main branch's ECR repository, in the syntax of ECR's exclusion filters.

    Tags without a field, such as `latest`, tags with the branch's name, and the tags of cached layers move to the
    newest build. All other tags are immutable.
    """
    if product.pipeline is None:
        return ["latest", f"{names.IN_USE_TAG}*"]
    fixed = dict.fromkeys(tag for tag in ("latest", *product.pipeline.tags) if "{" not in tag)
    return [*(fixed | _branch_tags(product, main=True)), f"{CACHE_TAG}*", f"{names.IN_USE_TAG}*"]


def release_prefix(pipeline: Pipeline) -> str:
    """Returns the text that every release tag begins with."""
    return pipeline.release_tag.partition("{")[0]


def kept_tags(product: Product) -> list[str]:
    """Returns the patterns of main's tags that never expire, in the syntax of ECR's lifecycle rules.

    The release's pattern holds only the prefix, so that releases are kept when the manifest changes the rest of
    `release_tag`.
    """
    release = "v" if product.pipeline is None else release_prefix(product.pipeline)
    return [*branch_kept_tags(), f"{release}*"]


def branch_kept_tags() -> list[str]:
    """Returns the patterns of other branches' tags that never expire: they have no releases."""
    return [f"{names.IN_USE_TAG}*"]


def entered_tags() -> str:
    """Returns the pattern of the tags that an image keeps after it entered an environment."""
    return f"{names.ENTERED_TAG}*"


def branch_moving_tags(product: Product) -> list[str]:
    """Returns the mutable tags of the ECR repository for all other branches."""
    return [*_branch_tags(product, main=False), f"{CACHE_TAG}*", f"{names.IN_USE_TAG}*"]


def candidate_moving_tags() -> list[str]:
    """Returns the mutable tags of the ECR repository for pull requests: only those of cached layers."""
    return [f"{CACHE_TAG}*"]


def _branch_tags(product: Product, *, main: bool) -> dict[str, None]:
    """Returns the tags that patterns with `{branch}` produce, for the repository's branch or for all others."""
    found: dict[str, None] = {}
    for tag in product.pipeline.tags if product.pipeline else ():
        if "{branch}" not in tag or "{sha" in tag:
            continue
        for flow in product.pipeline.flows.values() if product.pipeline else ():
            if of_branches(product, flow) is not main and not flow.images_from:
                for branch in flow.branches:
                    name = branch.replace("**", "*").replace("/", "-")
                    found[tag.replace("{branch}", name).replace("{version}", "*")] = None
    return found
