"""One local cloud with Edenco for each file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from localcloud.settings import Settings
from localcloud.testing.fixtures import elsewhere
from tests.end_to_end.edenco.product import PRODUCT, Edenco, demonstrated


@pytest.fixture(scope="module")
def edenco(tmp_path_factory: pytest.TempPathFactory, common: Settings) -> Iterator[Edenco]:
    with elsewhere(tmp_path_factory, replace(common, account=PRODUCT.tooling.account)) as running:
        yield demonstrated(running)
