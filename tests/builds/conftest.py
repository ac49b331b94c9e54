"""A desk for each test; for real builds the images at hand, and the example to spoil."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from builds.run import copy
from tests.builds.programs import ALLTHRIVE, Desk, desk_for
from tests.builds.real import docker, first_there


@pytest.fixture
def desk(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Fake programs, and what they were told."""
    return desk_for(tmp_path, capfd, monkeypatch)


@pytest.fixture
def values(desk: Desk) -> dict[str, str]:
    """The images at hand; every call of docker is written down."""
    if shutil.which("docker") is None or not docker("info", "--format", "{{.ID}}"):
        pytest.skip("no Docker daemon answers")
    for image in ("postgres:18-alpine", "redis:7-alpine", "node:24-slim"):
        first_there(image)
    desk.install("docker", f"os.execv({shutil.which('docker')!r}, ['docker', *words])\n")
    return {"PYTHON_IMAGE": first_there("python:3.11-slim", "python:3.13-slim")}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The example, to spoil."""
    copy(ALLTHRIVE, tmp_path / "source")
    return tmp_path / "source"
