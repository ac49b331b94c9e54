#!/usr/bin/env python3
"""What `cdk synth` runs: one product's tooling and each of its environments."""

import gc
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent / "constructs"))  # a source root, not a package: docs/adr/0001

import aws_cdk as cdk

from products import ManifestError, load
from stacks.environment_stage import EnvironmentStage
from stacks.tooling_stage import ToolingStage

gc.disable()  # a synth is over before there is garbage worth collecting
app = cdk.App()
try:
    product = load(app.node.try_get_context("product"))
except ManifestError as error:
    print(error, file=sys.stderr)  # noqa: T201 - the user reads it
    sys.exit(2)

ToolingStage(app, "tooling", product=product)
for environment in product.environments:
    EnvironmentStage(app, environment, product=product)
app.synth()
