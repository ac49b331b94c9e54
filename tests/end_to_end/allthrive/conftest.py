"""AllThrive on the run's local cloud, by `slipway demo`, interrupted once on the way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from localcloud.testing.cloud import Cloud
from paths import ROOT


@dataclass(frozen=True)
class AllThrive:
    """The product as the demo left it."""

    cloud: Cloud
    urls: dict[str, str]
    interrupted: subprocess.CompletedProcess[str]
    output: str

    def client(self, service: str) -> Any:
        return self.cloud.client(service)

    def shell(self, script: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """What a user's shell does after `source .slipway/local.env`."""
        command = f"source {self.cloud.state}/local.env\n{script}"
        return subprocess.run(
            ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=seconds
        )

    def cdk(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The pinned CDK CLI against this cloud."""
        words = " ".join(f"'{each}'" for each in arguments)
        node = ROOT / "node_modules" / "node" / "bin"
        return self.shell(f'export PATH={node}:"$PATH" CI=true\nnode_modules/.bin/cdk {words}', 300)

    def output_of(self, stack: str, key: str) -> str:
        found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        return str(next(each["OutputValue"] for each in found if each["OutputKey"] == key))


def demo_command() -> list[str]:
    return [sys.executable, "-m", "slipway_cli", "demo", "allthrive"]


@pytest.fixture(scope="session")
def allthrive(home_cloud: Cloud) -> AllThrive:
    """The demo, broken off by Ctrl-C while stacks are deployed, and started again: the second run must end well."""
    node = ROOT / "node_modules" / "node" / "bin"
    environment = {
        **os.environ,
        **home_cloud.settings.environment(),
        "PATH": f"{node}:{os.environ['PATH']}",
    }
    interrupted = _interrupt(environment)
    done = subprocess.run(
        demo_command(), cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    urls = dict(re.findall(r"^(staging|production)\s+(http://\S+)/$", done.stdout, re.MULTILINE))
    return AllThrive(home_cloud, urls, interrupted, done.stdout)


def _interrupt(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Start the demo and press Ctrl-C as soon as the first stack is deployed."""
    process = subprocess.Popen(
        demo_command(),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Tests that a script started in the background ignore it, and so would the demo.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - nothing but a system call
    )
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if "cdk deploy: 1 stacks" in line:
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole group gets it
            break
    rest, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess(demo_command(), process.returncode, "".join(seen) + rest, errors)
