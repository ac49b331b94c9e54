"""Writes what a shell needs: `local.env` to source, and a `bin` folder with replacements for AWS's tools."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from localcloud import keys
from localcloud.settings import Settings

BIN = Path(__file__).parent / "bin"
FIRST_WITH_ENDPOINT = {1: (1, 29), 2: (2, 13)}  # versions of the AWS CLI that read AWS_ENDPOINT_URL


def variables(settings: Settings) -> dict[str, str]:
    """Returns the environment in which the real AWS CLI, boto3 and the CDK CLI use the local cloud."""
    return {
        "AWS_ENDPOINT_URL": settings.url,
        **keys.root(settings).variables(),
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "CDK_DEFAULT_ACCOUNT": settings.account,
        "CDK_DEFAULT_REGION": settings.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DOCKER": str(settings.state / "bin" / "localcloud-docker"),
        "LOCALCLOUD_PORT": str(settings.port),
        "LOCALCLOUD_STATE": str(settings.state),
    }


def write(settings: Settings) -> Path:
    """Write the file to source; returns its path."""
    folder = settings.state / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    for tool in ("session-manager-plugin", "localcloud-docker"):
        _link(folder / tool, BIN / tool)
    if needs_shim(aws_version(folder)):
        _link(folder / "aws", BIN / "aws")
    else:
        (folder / "aws").unlink(missing_ok=True)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables(settings).items()]
    lines += ["unset AWS_PROFILE AWS_SESSION_TOKEN", f'export PATH={shlex.quote(str(folder))}:"$PATH"']
    path = keys.env_file(settings)
    keys.write(path, "\n".join(lines) + "\n")
    return path


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def aws_version(ignored: Path) -> tuple[int, ...]:
    """Returns the version of the installed AWS CLI, ignoring our own; empty if there is none."""
    path = ":".join(entry for entry in os.environ.get("PATH", "").split(":") if Path(entry) != ignored)
    program = shutil.which("aws", path=path)
    if program is None:
        return ()
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"aws-cli/(\d+)\.(\d+)", answer.stdout + answer.stderr)
    return (int(found[1]), int(found[2])) if found else ()


def needs_shim(version: tuple[int, ...]) -> bool:
    """True if an AWS CLI lacks AWS_ENDPOINT_URL or `logs tail` (version 2 only), which the runbook uses."""
    return bool(version) and (version[0] == 1 or version < FIRST_WITH_ENDPOINT.get(version[0], (0, 0)))
