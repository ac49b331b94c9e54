"""Runs a command in a container through ECS Exec, with the AWS CLI and its Session Manager plugin."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from typing import Any

import boto3
from botocore.exceptions import ClientError

from localcloud.settings import Settings
from products import Product, names
from slipway_cli.operate.errors import OperateError, code
from slipway_cli.typed import again
from slipway_cli.typed import command as typed

SHELL = "/bin/sh"
_INSTALL = {
    "aws": "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    "session-manager-plugin": (
        "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html"
    ),
}


def execute(product: Product, environment: str, service: str, words: list[str], local: Settings | None) -> int:
    """Run a command in the newest task of a service; returns the exit code of the AWS CLI.

    Raises:
        OperateError: if a program is missing, or no task runs.
    """
    region = product.environments[environment].region
    cluster = names.cluster(environment, product.name)
    task = _task(boto3.client("ecs", region_name=region), product, environment, service)
    path = os.environ.get("PATH", os.defpath)
    if local is not None:  # the local cloud has its own versions of both programs
        path = f"{local.state / 'bin'}{os.pathsep}{path}"
    for program, page in _INSTALL.items():
        if shutil.which(program, path=path) is None:
            raise OperateError(f"{program} is not installed; ECS Exec needs it", f"install it: {page}, then {again()}")
    line = [
        *("aws", "ecs", "execute-command", "--region", region, "--cluster", cluster, "--task", task),
        *("--container", service, "--interactive", "--command", shlex.join(words) if words else SHELL),
    ]
    sys.stdout.flush()
    # The session is the user's terminal; Ctrl-C goes to it.
    return subprocess.run(line, env={**os.environ, "PATH": path}, check=False).returncode  # noqa: S603 - no shell


def _task(ecs: Any, product: Product, environment: str, service: str) -> str:
    """Returns the ARN of the newest running task of a service."""
    cluster, name = names.cluster(environment, product.name), names.service(environment, product.name, service)
    try:
        listed = ecs.list_tasks(cluster=cluster, serviceName=name, desiredStatus="RUNNING")["taskArns"]
        tasks = ecs.describe_tasks(cluster=cluster, tasks=listed)["tasks"] if listed else []
    except ClientError as error:
        if code(error) not in ("ClusterNotFoundException", "ServiceNotFoundException"):
            raise
        raise OperateError(f"there is no service {name}: {environment} is not deployed", typed("status")) from None
    running = [task for task in tasks if task.get("lastStatus") == "RUNNING"]
    if not running:
        raise OperateError(f"no task of {name} is running", typed("logs", environment, service))
    return str(max(running, key=lambda task: str(task.get("startedAt", "")))["taskArn"])
