"""A CodePipeline to operate, and what was printed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.slipway_cli.operate.playing import playing
from tests.support.fake_codepipeline import FakeCodePipeline


@pytest.fixture(name="cloud")
def _cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCodePipeline]:
    cloud = FakeCodePipeline()
    with playing(cloud, monkeypatch):
        yield cloud
