"""The book shop on EKS, on a local cloud of its own, as `slipway demo book-shop-eks` leaves it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from localcloud.settings import Settings
from localcloud.testing.fixtures import elsewhere
from paths import ROOT
from products import load
from tests.end_to_end.hosts_products.shown import Shown

PRODUCT = load("book-shop-eks")


@contextmanager
def demonstrated(tmp_path_factory: pytest.TempPathFactory, common: Settings) -> Iterator[Shown]:
    """Runs the demo."""
    source = tmp_path_factory.mktemp("source") / "book-shop"
    shutil.copytree(ROOT / "examples" / "book-shop", source)
    (source / "slipway-demo.yaml").unlink()  # its seeds run on a host
    with elsewhere(tmp_path_factory, replace(common, account=PRODUCT.tooling.account)) as cloud:
        yield Shown.by_the_demo(cloud, PRODUCT, source)
