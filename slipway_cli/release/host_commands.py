"""Runs a command in a container of a running release on a host, e.g. to seed data."""

from __future__ import annotations

import shlex
import time

from products import host_files, kubernetes_files, names
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.target import Target

_DOCUMENT = "AWS-RunShellScript"
_SECONDS = 600
_POLL_SECONDS = 1.0
_ENDED = ("Success", "Failed", "TimedOut", "Cancelled", "Undeliverable", "Terminated")
_TAIL = 30  # the last lines of a failed command that are printed


def run_on_host(target: Target, command: list[str]) -> None:
    """Runs a command on the first host: in the container of the migration's service, else in the one that is served.

    On MicroK8s it runs in a pod of the deployment.

    Raises:
        ReleaseError: if no host runs, or the command does not end with 0 within ten minutes; with its output's end.
    """
    if target.product.environments[target.environment].machines is None:
        raise ReleaseError(f"{target.environment} runs on EKS, where no command can be run by hand: remove the seeds")
    service, script = _in_pod(target) if target.environment in target.product.on_kubernetes() else _in_container(target)
    script += shlex.join(command)
    ssm, host = target.client("ssm"), _host(target)
    sent = ssm.send_command(
        DocumentName=_DOCUMENT,
        InstanceIds=[host],
        Parameters={"commands": [script], "executionTimeout": [str(_SECONDS)]},
        Comment=f"a command by hand in {service}",
    )["Command"]["CommandId"]
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        (invocation,) = ssm.list_command_invocations(CommandId=sent, Details=True)["CommandInvocations"] or [{}]
        if invocation.get("Status") in _ENDED:
            break
        time.sleep(_POLL_SECONDS)
    else:
        ssm.cancel_command(CommandId=sent)
        raise ReleaseError(f"'{shlex.join(command)}' did not end within {_SECONDS // 60} minutes on {host}")
    if invocation["Status"] != "Success":
        output = "".join(plugin.get("Output", "") for plugin in invocation.get("CommandPlugins", []))
        end = "\n".join(output.splitlines()[-_TAIL:])
        raise ReleaseError(f"'{shlex.join(command)}' on {host}: {invocation['StatusDetails']}\n{end}")


def _in_container(target: Target) -> tuple[str, str]:
    """Returns the service, and the beginning of a script that runs a command in its container."""
    product = target.product
    service = host_files.migration_service(product) or host_files.entrance(product).service
    label = shlex.quote(f"label=com.docker.compose.service={service}")
    return service, (
        f"container=$(docker ps --quiet --filter {label} | head -n 1); "
        f'[ -n "$container" ] || {{ echo "no container of {service} runs on this host" >&2; exit 1; }}; '
        'exec docker exec "$container" '
    )


def _in_pod(target: Target) -> tuple[str, str]:
    """Returns the deployment, and the beginning of a script that runs a command in one of its pods."""
    settings = kubernetes_files.settings(target.product, target.environment)
    words = ["--namespace", settings.namespace, "exec", f"deployment/{settings.deployment}", "-c", settings.container]
    script = f'export PATH="$PATH:/snap/bin"; exec microk8s kubectl {shlex.join(words)} -- '
    return settings.deployment, script


def _host(target: Target) -> str:
    """Returns the id of the first running host, by the hosts' names."""
    tags = names.host_tags(target.environment, target.product.name)
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    filters.append({"Name": "instance-state-name", "Values": ["running"]})
    pages = target.client("ec2").get_paginator("describe_instances").paginate(Filters=filters)
    found = [
        (next((tag["Value"] for tag in instance.get("Tags", []) if tag["Key"] == "Name"), ""), instance["InstanceId"])
        for page in pages
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]
    if not found:
        raise ReleaseError(f"no host of {target.environment} runs, so no command can; slipway status says why")
    return str(min(found)[1])
