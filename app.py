#!/usr/bin/env python3
"""The CDK app of one product: its tooling and each of its environments. `cdk synth` runs this file."""

import os
import sys

from stacks.startup import prepare

prepare()  # puts constructs/ on sys.path, and lets Node.js load the CDK library while Python imports its half

import aws_cdk as cdk

from policy.guard import enforce
from products import ManifestError, load
from stacks.product import add_product

app = cdk.App()
enforce(app, on=os.environ.get("CDK_VALIDATION") != "false")  # `cdk synth --no-validation` sets it to false
try:
    product = load(app.node.try_get_context("product"))
except ManifestError as error:
    print(error, file=sys.stderr)  # noqa: T201 - the user reads it
    sys.exit(2)

add_product(app, product)
app.synth()
