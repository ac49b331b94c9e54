"""Runs the examples without a local cloud: images built here, Docker Compose, and each product's own check."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from paths import ROOT
from tests.examples.product import run

EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class Compose:
    """The compose files of a folder."""

    folder: Path
    words: tuple[str, ...]
    """Options of `docker compose`, such as `-f` and `--profile`."""
    environment: dict[str, str]

    def run(self, *words: str) -> str:
        """Returns what a command of `docker compose` prints; fails the test with its error."""
        return run("docker", "compose", *self.words, *words, cwd=self.folder, environment=self.environment)

    def states(self) -> dict[str, str]:
        """Returns the health of each service that runs, or its state if it has no health check."""
        listed = [json.loads(line) for line in self.run("ps", "--format", "json").splitlines()]
        return {service["Service"]: service["Health"] or service["State"] for service in listed}


def build(image: str, context: Path, *options: str, environment: dict[str, str]) -> str:
    """Builds an image, with BuildKit; returns its name."""
    words = ("docker", "buildx", "build", "--quiet", "--load", "--tag", image, *options, ".")
    run(*words, cwd=context, environment=environment)
    return image


def own_check(example: str, name: str, port: int) -> list[str]:
    """Returns the lines that a product's check prints; fails the test with its error."""
    done = subprocess.run(
        [sys.executable, "demo-check.py"],
        cwd=EXAMPLES / example,
        env={**os.environ, "URL": f"http://{name}:{port}", "ENVIRONMENT": "staging"},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def free_port() -> int:
    """Returns a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
