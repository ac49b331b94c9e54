"""AllThrive with any number of environments: `python -m bench.environments 20`. Otherwise as app.py."""

from __future__ import annotations

import sys
from ipaddress import IPv4Network

from stacks.startup import prepare

prepare()

import aws_cdk as cdk

from products import Product, load
from stacks.product import add_product


def product_with(count: int) -> Product:
    """AllThrive with `count` environments: its own, which its pipelines name, then more like them by turns."""
    product = load("allthrive")
    known = list(product.environments)
    environments = {}
    for number in range(count):
        kind = product.environments[known[number % len(known)]]
        network = kind.network.model_copy(update={"cidr": IPv4Network(f"10.{number}.0.0/16")})
        name = known[number] if number < len(known) else f"e{number:02}"
        environments[name] = kind.model_copy(update={"network": network})
    return product.model_copy(update={"environments": environments})


if __name__ == "__main__":
    app = cdk.App()
    add_product(app, product_with(int(sys.argv[1])))
    app.synth()
