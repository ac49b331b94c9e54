"""The faster start of synthesis still reports errors and leaves no process behind."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from paths import ROOT

_SOONER = "from stacks.startup import prepare\nprepare()\n"
_LOAD = """
from jsii import _runtime
from jsii._kernel.types import LoadRequest
provider = _runtime.kernel.provider
provider.load(LoadRequest(name="nothing", version="1.0.0", tarball="/nowhere/nothing.tgz"))
print("continued")
"""


def run(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _SOONER + program],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_library_that_cannot_be_loaded_is_reported_by_the_first_call_with_an_answer() -> None:
    done = run(_LOAD + "_runtime.kernel.stats()\nprint('never')")

    assert done.stdout == "continued\n"
    assert "/nowhere/nothing.tgz" in done.stderr


def test_a_missing_node_is_reported() -> None:
    done = run(_LOAD + "_runtime.kernel.stats()", JSII_NODE="/nowhere/node")

    assert done.returncode == 1
    assert "no Node.js at '/nowhere/node'; type make setup, or add Node.js to the PATH" in done.stderr


def test_node_ends_with_python() -> None:
    program = """
from jsii import _runtime
import aws_cdk as cdk
cdk.Stack(cdk.App(), "Stack")
print(_runtime.kernel.provider._process._process.pid)
"""
    done = run(program)

    assert done.returncode == 0, done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)
