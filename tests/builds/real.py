"""Helpers of the tests that run builds in real containers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from builds.run import Result
from tests.builds.programs import Desk


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def first_available(*images: str) -> str:
    """Returns the first of these images that is on this machine; skips the test if none is."""
    found = next((image for image in images if docker("image", "inspect", "--format", "{{.Id}}", image)), None)
    if found is None:
        pytest.skip(f"image missing: docker pull {images[0]}")
    return found


def run(desk: Desk, build: str, source: Path, values: dict[str, str]) -> tuple[Result, str]:
    """Runs a build in containers, and asserts that it leaves no container, network or image."""
    result, printed = desk.run(build, source, **values)
    found = re.findall(rf"slipway-{build}-[0-9a-f]{{12}}", (desk.folder / "calls").read_text())
    assert found or not result.succeeded  # without a name the checks below would check nothing
    for name in set(found):
        assert docker("ps", "--all", "--quiet", "--filter", f"name={name}") == ""
        assert docker("network", "ls", "--quiet", "--filter", f"name={name}") == ""
        assert docker("image", "ls", "--quiet", f"{name}*") == ""
    return result, printed
