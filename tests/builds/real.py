"""What the tests of real builds ask of Docker."""

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


def first_there(*images: str) -> str:
    """The first of these images that the machine has: the usual one, else what stands in for it."""
    found = next((image for image in images if docker("image", "inspect", "--format", "{{.Id}}", image)), None)
    if found is None:
        pytest.skip(f"image missing: docker pull {images[0]}")
    return found


def run(desk: Desk, build: str, source: Path, values: dict[str, str]) -> tuple[Result, str]:
    """Run a build for real; whatever comes of it, nothing of it is left."""
    result, printed = desk.run(build, source, **values)
    found = re.findall(rf"slipway-{build}-[0-9a-f]{{12}}", (desk.folder / "told").read_text())
    assert found or not result.succeeded  # else nothing would be looked for below
    for name in set(found):
        assert docker("ps", "--all", "--quiet", "--filter", f"name={name}") == ""
        assert docker("network", "ls", "--quiet", "--filter", f"name={name}") == ""
        assert docker("image", "ls", "--quiet", f"{name}*") == ""
    return result, printed
