"""One cloud without containers for these tests, which change the policies of its account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local import process
from local.settings import Settings
from tests.local.execution.rights import Executed
from tests.local.plain import Plain, free_port


@pytest.fixture(scope="session")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executed]:
    """CloudFormation with the rights of the shipped policies."""
    settings = Settings(port=free_port(), state=tmp_path_factory.mktemp("execution"), docker=False)
    process.start(settings)
    yield Executed(Plain(settings.port, settings.state))
    process.stop(settings)
