"""The wrapper of the AWS CLI: with it, older versions send every command to the local cloud."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud import shell

FAKE = """#!/bin/sh
if [ "$1" = --version ]; then echo 'aws-cli/{version} Python/3.11'; else echo "$@"; fi
"""


def arguments_of_cli(folder: Path, version: str, *words: str) -> str:
    """Returns the arguments that a CLI of this version gets from the wrapper."""
    program = folder / "aws"
    program.write_text(FAKE.format(version=version))
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "AWS_ENDPOINT_URL": "http://localhost:1"}
    # Run with this Python, not by its shebang: with pyenv, python3 is a shim that changes the PATH.
    words = (sys.executable, str(shell.BIN / "aws"), *words)
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("command", ["rds describe-db-instances", "sqs list-queues", "ecs list-clusters"])
@pytest.mark.parametrize("version", ["1.22.34", "1.45.11", "2.4.0"])
def test_an_older_cli_gets_the_endpoint_as_an_option(tmp_path: Path, version: str, command: str) -> None:
    """Version 1 has fixed endpoints for RDS and SQS, which AWS_ENDPOINT_URL does not replace."""
    assert arguments_of_cli(tmp_path, version, *command.split()) == f"--endpoint-url http://localhost:1 {command}"


def test_a_newer_cli_gets_no_option_since_it_reads_the_variable(tmp_path: Path) -> None:
    assert arguments_of_cli(tmp_path, "2.15.0", "rds", "describe-db-instances") == "rds describe-db-instances"


def test_logs_can_be_tailed_without_event_ids(tmp_path: Path) -> None:
    program = tmp_path / "aws"
    event = '{"timestamp": 1764090000000, "logStreamName": "s", "message": "hello"}'
    answer = f'{{"events": [{event}, {event}]}}'
    program.write_text(f"#!/bin/sh\nif [ \"$1\" = --version ]; then echo aws-cli/1.45.11; else echo '{answer}'; fi\n")
    program.chmod(0o755)
    words = [sys.executable, str(shell.BIN / "aws"), "logs", "tail", "/group", "--format", "short"]
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "2025-11-25T17:00:00 hello\n"
