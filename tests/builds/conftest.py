"""Fixtures: a desk of fake programs for each test, and for real builds the local images and a copy of the example."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from builds.run import copy
from tests.builds.programs import ALLTHRIVE, Desk, desk_for
from tests.builds.real import docker, first_available


@pytest.fixture
def desk(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A folder of fake programs, and the record of their calls."""
    return desk_for(tmp_path, capfd, monkeypatch)


@pytest.fixture
def values(desk: Desk) -> dict[str, str]:
    """No variables: the images of the defaults are on this machine. Every call of docker is recorded."""
    if shutil.which("docker") is None or not docker("info", "--format", "{{.ID}}"):
        pytest.skip("no Docker daemon answers")
    for image in ("postgres:18-alpine", "redis:7-alpine", "node:24-slim", "python:3.13-slim"):
        first_available(f"public.ecr.aws/docker/library/{image}")
    desk.install("docker", f"os.execv({shutil.which('docker')!r}, ['docker', *words])\n")
    return {}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the example, in which a test may plant defects."""
    copy(ALLTHRIVE, tmp_path / "source")
    return tmp_path / "source"
