"""Synthesizes a product in this process, without the checks that `make synth` runs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from paths import find_constructs
from products import Product
from products.environment import Environment
from slipway_cli.review.assembly import Assembly, read


def assembly(product: Product, environments: Mapping[str, Environment], *, tooling: bool) -> Assembly:
    """Returns the assembly of a product with other environments than its own."""
    find_constructs()
    import aws_cdk as cdk  # noqa: PLC0415 - takes a second, which only some commands need

    from stacks.product import add_environments, add_product, feature_flags  # noqa: PLC0415 - imports aws_cdk

    varied = product.model_copy(update={"environments": dict(environments)})
    with tempfile.TemporaryDirectory(prefix="slipway-synth-") as folder:
        app = cdk.App(context=feature_flags(), builtin_cloud_formation_validation=False, outdir=folder)
        if tooling:
            add_product(app, varied)
        else:
            add_environments(app, varied)
        app.synth()
        return read(Path(folder))
