"""`docker compose` for tests: this machine's, or else the plugin of Debian trixie, which also runs on older systems."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path

import pytest

_DOCKERFILE = """\
FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends docker-cli docker-compose busybox-static \\
  && rm -rf /var/lib/apt/lists/*
"""
IMAGE = f"slipway/test-compose:{hashlib.sha256(_DOCKERFILE.encode()).hexdigest()[:12]}"
"""Built once per machine and kept: Debian trixie with the client, compose and a static busybox."""
_PLUGIN = "/usr/libexec/docker/cli-plugins/docker-compose"


def docker(*words: str, given: bytes | None = None) -> str:
    """Returns what docker prints; fails the test with its error."""
    done = subprocess.run(["docker", *words], input=given, capture_output=True, check=False)
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr.decode()}"
    return done.stdout.decode().strip()


@cache
def tools() -> str:
    """Returns the image with the plugin and busybox; skips the test if it cannot be built here."""
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no Docker daemon answers")
    if subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode:
        docker("build", "--quiet", "--tag", IMAGE, "-", given=_DOCKERFILE.encode())
    return IMAGE


def add_compose(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes `docker compose` work in programs that a test starts."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return
    plugins = folder / "docker-settings" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").write_bytes(from_image(tools(), _PLUGIN))
    (plugins / "docker-compose").chmod(0o755)
    monkeypatch.setenv("DOCKER_CONFIG", str(plugins.parent))
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False, env=os.environ).returncode:
        pytest.skip("no docker compose: install the plugin docker-compose")


def from_image(image: str, path: str) -> bytes:
    """Returns a file of an image."""
    container = docker("create", image, "true")
    try:
        packed = subprocess.run(["docker", "cp", f"{container}:{path}", "-"], capture_output=True, check=True).stdout
    finally:
        docker("rm", container)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        found = archive.extractfile(archive.getmembers()[0])
        assert found is not None
        return found.read()
