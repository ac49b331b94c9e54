"""Synthesizes AllThrive with any number of environments, like app.py: `python -m bench.environments 20`."""

from __future__ import annotations

import sys
from ipaddress import IPv4Network

from stacks.startup import prepare

prepare()

import aws_cdk as cdk

from products import Product, load
from stacks.product import add_product


def product_with(count: int) -> Product:
    """Returns AllThrive with `count` environments: first its own, then copies of them in turn."""
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
