"""`docker compose` and `docker buildx` for tests: this machine's, or else Debian trixie's, which run anywhere."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

from tests.examples.product import docker, succeeds

_FOLDER = "/usr/libexec/docker/cli-plugins"
_DOCKERFILE = """\
FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends docker-buildx docker-compose \\
  && rm -rf /var/lib/apt/lists/*
"""
_IMAGE = f"slipway/test-docker-plugins:{hashlib.sha256(_DOCKERFILE.encode()).hexdigest()[:12]}"


def kept(folder: Path) -> dict[str, str]:
    """Returns the variables as `environment` does, of a folder that it may have filled before."""
    return {"DOCKER_CONFIG": str(folder)} if (folder / "cli-plugins").exists() else environment(folder)


def environment(folder: Path) -> dict[str, str]:
    """Returns the variables with which `docker` has both plugins; what this machine lacks is copied to a folder."""
    missing = [name for name in ("buildx", "compose") if not succeeds("docker", name, "version")]
    if not missing:
        return {}
    if not succeeds("docker", "image", "inspect", _IMAGE):
        subprocess.run(["docker", "build", "--quiet", "--tag", _IMAGE, "-"], input=_DOCKERFILE.encode(), check=True)
    plugins = folder / "cli-plugins"
    plugins.mkdir(parents=True)
    container = docker("create", _IMAGE, "true")
    try:
        for name in missing:
            copy = ["docker", "cp", f"{container}:{_FOLDER}/docker-{name}", "-"]
            packed = subprocess.run(copy, capture_output=True, check=True).stdout
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                archive.extractall(plugins, filter="data")
    finally:
        docker("rm", container)
    return {"DOCKER_CONFIG": str(folder)}
