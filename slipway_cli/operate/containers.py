"""Runs a command in a container through ECS Exec or, on hosts and MicroK8s, a session of Systems Manager.

Both need the AWS CLI and its Session Manager plugin.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from typing import Any

import boto3
from botocore.exceptions import ClientError

from localcloud.settings import Settings
from products import Product, kubernetes_files, names
from slipway_cli.operate.errors import OperateError, code
from slipway_cli.typed import again
from slipway_cli.typed import command as typed

SHELL = "/bin/sh"
_LABELS = "{{range $name, $value := .spec.selector.matchLabels}}{{$name}}={{$value}},{{end}}"
_INSTALL = {
    "aws": "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    "session-manager-plugin": (
        "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html"
    ),
}


_EKS = "docs/kubernetes.md#eks"


def execute(product: Product, environment: str, service: str, words: list[str], local: Settings | None) -> int:
    """Run a command in the newest task of a service, on a host, or in a pod; returns the AWS CLI's exit code.

    Raises:
        OperateError: if a program is missing, or no task or host runs.
    """
    find = {"fargate": _in_task, "hosts": _on_host, "kubernetes": _in_pod}[product.environments[environment].target]
    return _session(product, environment, find(product, environment, service, words), local)


def print_pod_logs(
    product: Product, environment: str, deployment: str, seconds: int, local: Settings | None, *, follow: bool
) -> int:
    """Print the logs of a deployment's pods on MicroK8s, each line with its pod; returns the exit code of the AWS CLI.

    Raises:
        OperateError: if a program is missing, or no host runs.
    """
    namespace = kubernetes_files.settings(product, environment).namespace
    selector = _kubectl(namespace, ["get", "deployment", deployment, "-o", f"go-template={_LABELS}"])
    words = [
        "--all-containers",
        "--prefix",
        "--timestamps",
        "--tail=-1",
        "--max-log-requests=20",
        f"--since={seconds}s",
    ]
    read = _kubectl(namespace, ["logs", *words, *(["--follow"] if follow else [])])
    script = f'labels=$({selector}) && exec {read} --selector "${{labels%,}}"'
    return _session(product, environment, _on_its_host(product, environment, script), local)


def _session(product: Product, environment: str, line: list[str], local: Settings | None) -> int:
    """Runs a command line of the AWS CLI that begins a session; returns its exit code."""
    target = product.environments[environment]
    return run_aws(line, target.region, local)


def run_aws(line: list[str], region: str, local: Settings | None) -> int:
    """Run a session of the AWS CLI in the user's terminal; returns its exit code.

    Raises:
        OperateError: if a program is missing.
    """
    path = os.environ.get("PATH", os.defpath)
    if local is not None:  # the local cloud has its own versions of both programs
        path = f"{local.state / 'bin'}{os.pathsep}{path}"
    for program, page in _INSTALL.items():
        if shutil.which(program, path=path) is None:
            raise OperateError(f"{program} is not installed; sessions need it", f"install it: {page}, then {again()}")
    sys.stdout.flush()
    # The session is the user's terminal; Ctrl-C goes to it.
    typed_line = [*line[:3], "--region", region, *line[3:]]
    return subprocess.run(typed_line, env={**os.environ, "PATH": path}, check=False).returncode  # noqa: S603 - no shell


def _in_task(product: Product, environment: str, service: str, words: list[str]) -> list[str]:
    """Returns the command line for a task of ECS."""
    cluster = names.cluster(environment, product.name)
    ecs = boto3.client("ecs", region_name=product.environments[environment].region)
    return [
        *("aws", "ecs", "execute-command", "--cluster", cluster),
        *("--task", newest_task(ecs, product, environment, service)["taskArn"], "--container", service),
        "--interactive",
        *("--command", shlex.join(words) if words else SHELL),
    ]


def _on_host(product: Product, environment: str, service: str, words: list[str]) -> list[str]:
    """Returns the command line for a container on a host."""
    host = _host(product, environment)
    label = shlex.quote(f"label=com.docker.compose.service={service}")
    # A session on AWS is ssm-user's, who may use sudo; in the local cloud it is root's.
    script = (
        f'docker="$(command -v sudo) docker"; container=$($docker ps --quiet --filter {label} | head -n 1); '
        f'[ -n "$container" ] || {{ echo "no container of {service} runs on this host" >&2; exit 1; }}; '
        f'exec $docker exec --interactive $([ ! -t 0 ] || echo --tty) "$container" {shlex.join(words or [SHELL])}'
    )
    command = f"sh -c {shlex.quote(script)}"
    return [
        *("aws", "ssm", "start-session", "--target", host, "--document-name", "AWS-StartInteractiveCommand"),
        *("--parameters", json.dumps({"command": [command]})),
    ]


def _in_pod(product: Product, environment: str, service: str, words: list[str]) -> list[str]:
    """Returns the command line for a pod of a deployment, on the host of MicroK8s."""
    settings = kubernetes_files.settings(product, environment)
    script = _kubectl(settings.namespace, ["exec", "--stdin", f"deployment/{service}"])
    return _on_its_host(
        product, environment, f"exec {script} $([ ! -t 0 ] || echo --tty) -- {shlex.join(words or [SHELL])}"
    )


def _kubectl(namespace: str, words: list[str]) -> str:
    """Returns the shell's text of a kubectl command."""
    # A session on AWS is ssm-user's, who may use sudo; in the local cloud it is root's.
    return f'$(command -v sudo) "$(command -v microk8s)" kubectl {shlex.join(["--namespace", namespace, *words])}'


def _on_its_host(product: Product, environment: str, script: str) -> list[str]:
    """Returns the command line for a shell script on the host of MicroK8s.

    Raises:
        OperateError: if the cluster is one of EKS, which nothing outside its VPC reaches.
    """
    if product.environments[environment].machines is None:
        raise OperateError(
            f"{environment} runs on EKS, whose API server has an address in its VPC only: this machine reaches no pod",
            f"use kubectl on a machine in the VPC, with an access entry: {_EKS}",
        )
    whole = f'export PATH="$PATH:/snap/bin"; {script}'
    return [
        *("aws", "ssm", "start-session", "--target", _host(product, environment)),
        *("--document-name", "AWS-StartInteractiveCommand"),
        *("--parameters", json.dumps({"command": [f"sh -c {shlex.quote(whole)}"]})),
    ]


def _host(product: Product, environment: str) -> str:
    """Returns the id of the first running host of an environment."""
    filters = [
        {"Name": f"tag:{key}", "Values": [value]} for key, value in names.host_tags(environment, product.name).items()
    ]
    filters.append({"Name": "instance-state-name", "Values": ["running"]})
    ec2 = boto3.client("ec2", region_name=product.environments[environment].region)
    found = [
        (next((tag["Value"] for tag in instance.get("Tags", []) if tag["Key"] == "Name"), ""), instance["InstanceId"])
        for page in ec2.get_paginator("describe_instances").paginate(Filters=filters)
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]
    if not found:
        raise OperateError(f"no host of {environment} is running: is it deployed?", typed("status"))
    return str(min(found)[1])


def newest_task(ecs: Any, product: Product, environment: str, service: str) -> dict[str, Any]:
    """Returns the newest running task of a service.

    Raises:
        OperateError: if none runs.
    """
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
    newest: dict[str, Any] = max(running, key=lambda task: str(task.get("startedAt", "")))
    return newest
