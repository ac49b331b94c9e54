#!/usr/bin/env python3
"""What `cdk synth` runs: one product's tooling and each of its environments."""

import os
import sys

from stacks.startup import prepare

prepare()  # finds constructs/, and has Node.js load the library while Python imports it

import aws_cdk as cdk

from policy.guard import enforce
from products import ManifestError, load
from stacks.product import add_product

app = cdk.App()
enforce(app, on=os.environ.get("CDK_VALIDATION") != "false")  # as `cdk synth --no-validation` says
try:
    product = load(app.node.try_get_context("product"))
except ManifestError as error:
    print(error, file=sys.stderr)  # noqa: T201 - the user reads it
    sys.exit(2)

add_product(app, product)
app.synth()
