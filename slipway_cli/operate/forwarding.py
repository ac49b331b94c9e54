"""Opens a port of a service on this machine, through a session of Systems Manager: no network lets it in."""

from __future__ import annotations

import json
import sys

import boto3

from localcloud.settings import Settings
from products import Product, names
from slipway_cli.operate.containers import newest_task, run_aws
from slipway_cli.operate.errors import OperateError
from slipway_cli.typed import command as typed


def open_port(product: Product, environment: str, service: str, port: int | None, local: Settings | None) -> int:
    """Forward a port of this machine to the port of the newest task of a service, until interrupted.

    `port` is this machine's, by default the service's own. Returns the exit code of the AWS CLI.

    Raises:
        OperateError: if the service has no port or no sessions, no task runs, or a program is missing.
    """
    settings = product.services_in(environment).get(service)
    if settings is None:
        raise OperateError(
            f"{service} is no service on Fargate; a port is opened through a task's session", typed("open", "--help")
        )
    if settings.port is None:
        raise OperateError(
            f"services.{service} has no port in the manifest: write e.g. port: 9090, and deploy", typed("status")
        )
    if not settings.shell_access:
        raise OperateError(
            f"services.{service} allows no sessions: write shell_access: true in the manifest, and deploy",
            typed("status"),
        )
    cluster, region = names.cluster(environment, product.name), product.environments[environment].region
    task = newest_task(boto3.client("ecs", region_name=region), product, environment, service)
    runtime = next(entry["runtimeId"] for entry in task["containers"] if entry["name"] == service)
    here = port or settings.port
    parameters = {"portNumber": [str(settings.port)], "localPortNumber": [str(here)]}
    print(  # noqa: T201 - the user reads it
        f"{service} of {environment}: http://localhost:{here}/ (end it with Ctrl-C)", file=sys.stderr, flush=True
    )
    return run_aws(
        [
            *("aws", "ssm", "start-session"),
            *("--target", f"ecs:{cluster}_{task['taskArn'].rpartition('/')[2]}_{runtime}"),
            *("--document-name", "AWS-StartPortForwardingSession", "--parameters", json.dumps(parameters)),
        ],
        region,
        local,
    )
