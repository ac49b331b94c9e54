"""Synthesizes a product in this process, without the checks that `make synth` runs."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from products import Product
from products.model import Environment
from slipway_cli.review.assembly import Assembly, read

_ROOT = Path(__file__).resolve().parent.parent.parent


def assembly(product: Product, environments: Mapping[str, Environment], *, tooling: bool) -> Assembly:
    """Returns the assembly of a product with other environments than its own."""
    if str(_ROOT / "constructs") not in sys.path:
        sys.path.append(str(_ROOT / "constructs"))  # a source root, not a package: docs/adr/0001
    import aws_cdk as cdk  # noqa: PLC0415 - takes a second, which only some commands need

    from stacks.environment_stage import EnvironmentStage  # noqa: PLC0415 - imports aws_cdk
    from stacks.tooling_stage import ToolingStage  # noqa: PLC0415 - imports aws_cdk

    context = json.loads((_ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    varied = product.model_copy(update={"environments": dict(environments)})
    with tempfile.TemporaryDirectory(prefix="slipway-synth-") as folder:
        app = cdk.App(context=context, builtin_cloud_formation_validation=False, outdir=folder)
        if tooling:
            ToolingStage(app, "tooling", product=varied)
        for name in environments:
            EnvironmentStage(app, name, product=varied)
        app.synth()
        return read(Path(folder))
