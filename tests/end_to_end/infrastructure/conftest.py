"""The product `tiny` on a local cloud without containers, deployed once for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from localcloud import process
from localcloud.testing.plain import ACCOUNT, REGION, free_port
from slipway_cli import cloud
from slipway_cli.cloud import OURS
from slipway_cli.demo import repository, secrets
from tests.end_to_end.infrastructure.platform_repository import SOURCE
from tests.end_to_end.infrastructure.rehearsal import PRODUCT, Rehearsal


@pytest.fixture(scope="package", name="rehearsal")
def _rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    state = tmp_path_factory.mktemp("infrastructure")
    settings = replace(OURS, port=free_port(), state=state, docker=False, account=ACCOUNT, region=REGION)
    process.start(settings)
    try:
        with pytest.MonkeyPatch.context() as variables:
            for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):  # `become` sets them; restored at the end
                variables.setenv(name, "")
            cloud.become(settings)
            secrets.create_missing(settings, PRODUCT)
            rehearsal = Rehearsal(settings)
            rehearsal.begin()
            assert PRODUCT.pipeline is not None
            repository.put_on_github(settings, PRODUCT, PRODUCT.pipeline, SOURCE)
            yield rehearsal
    finally:
        process.stop(settings)
