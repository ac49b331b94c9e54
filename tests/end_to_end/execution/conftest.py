"""A local cloud without containers for these tests alone, since they change the policies of its account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud import process
from localcloud.settings import Settings
from localcloud.testing.plain import Plain, free_port
from tests.end_to_end.execution.rights import Executed


@pytest.fixture(scope="session")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executed]:
    """CloudFormation with only the rights in the shipped policies."""
    settings = Settings(port=free_port(), state=tmp_path_factory.mktemp("execution"), docker=False)
    process.start(settings)
    yield Executed(Plain(settings.port, settings.state))
    process.stop(settings)
