"""A desk for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.programs import Desk, desk_for


@pytest.fixture
def desk(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Fake programs, and what they were told."""
    return desk_for(tmp_path, capfd, monkeypatch)
