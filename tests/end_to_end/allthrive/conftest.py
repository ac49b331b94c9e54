"""AllThrive on the test run's local cloud, deployed by `slipway demo`, which is interrupted once."""

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
    """The product after the demo."""

    cloud: Cloud
    urls: dict[str, str]
    interrupted: subprocess.CompletedProcess[str]
    output: str

    def client(self, service: str) -> Any:
        return self.cloud.client(service)

    def shell(self, script: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Runs a script in a user's shell after `source .slipway/local.env`."""
        command = f"source {self.cloud.state}/local.env\n{script}"
        return subprocess.run(
            ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=seconds
        )

    def cdk(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the pinned CDK CLI against this cloud."""
        words = " ".join(f"'{argument}'" for argument in arguments)
        node = ROOT / "node_modules" / "node" / "bin"
        return self.shell(f'export PATH={node}:"$PATH" CI=true\nnode_modules/.bin/cdk {words}', 300)

    def output_of(self, stack: str, key: str) -> str:
        found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        return str(next(output["OutputValue"] for output in found if output["OutputKey"] == key))


def demo_command() -> list[str]:
    return [sys.executable, "-m", "slipway_cli", "demo", "allthrive"]


@pytest.fixture(scope="session")
def allthrive(home_cloud: Cloud) -> AllThrive:
    """The demo, interrupted with Ctrl-C while it deploys stacks, and started again: the second run must succeed."""
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
    """Starts the demo and presses Ctrl-C as soon as it deploys the first stack."""
    process = subprocess.Popen(
        demo_command(),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Processes that a script starts in the background ignore SIGINT, and the demo would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - nothing but a system call
    )
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if "cdk deploy: 1 stacks" in line:
            os.killpg(process.pid, signal.SIGINT)  # like a terminal, which sends it to the whole process group
            break
    rest, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess(demo_command(), process.returncode, "".join(seen) + rest, errors)
