"""The server process: adapters first, then MiniStack on loopback and on a unix socket. Started by the launcher."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from ministack.app import app

from localcloud import extensions, settings, symbols
from localcloud.guard.head import LARGEST

#: Installed in this order. A module has ``SYMBOLS`` and ``install()``.
ADAPTERS: tuple[str, ...] = (
    "localcloud.connections",
    "localcloud.adapter",
    "localcloud.containers",
    "localcloud.certificate_authorities",
    "localcloud.cloudformation.engine",
    "localcloud.iam",
    "localcloud.ecs",
    "localcloud.rds.databases",
    "localcloud.rds.restores",
    "localcloud.secretsmanager.rotation",
    "localcloud.secretsmanager.values",
    "localcloud.autoscaling.api",
    "localcloud.elbv2.sockets",
    "localcloud.ecs.resources",
    "localcloud.rds.resources",
    "localcloud.elasticache.resources",
    "localcloud.secretsmanager.resources",
    "localcloud.autoscaling.resources",
    "localcloud.ec2.api",
    "localcloud.ec2.types",
    "localcloud.ec2.prefix_lists",
    "localcloud.ec2.authorization",
    "localcloud.ec2.metadata",
    "localcloud.ec2.instances",
    "localcloud.ec2.docker",
    "localcloud.kubernetes.microk8s",
    "localcloud.eks",
    "localcloud.elbv2.instances",
    "localcloud.autoscaling.groups",
    "localcloud.autoscaling.group_resources",
    "localcloud.ec2.resources",
    "localcloud.iam.resources",
    "localcloud.s3.resources",
    "localcloud.ecr.resources",
    "localcloud.ecr.login",
    "localcloud.ecr.layers",
    "localcloud.ecr.scans",
    "localcloud.ecr.previews",
    "localcloud.ecr_public.resources",
    "localcloud.cloudfront.resources",
    "localcloud.wafv2.resources",
    "localcloud.route53.resources",
    "localcloud.logs.resources",
    "localcloud.cloudwatch.resources",
    "localcloud.sns.resources",
    "localcloud.sns.subscriptions",
    "localcloud.acm",
    "localcloud.servicequotas",
    "localcloud.budgets.resources",
    "localcloud.backup.resources",
    "localcloud.ssm",
    "localcloud.codeconnections.resources",
    "localcloud.codebuild.resources",
    "localcloud.codebuild",
    "localcloud.cloudformation.custom_resources",
    "localcloud.cloudformation.drift",
    "localcloud.eventbridge.bus",
    "localcloud.scheduler",
    "localcloud.scheduler.resources",
    "localcloud.codepipeline",
    "localcloud.github.adapter",
    "localcloud.extensions",
    "localcloud.cloudfront.distributions",
    "localcloud.awslambda.functions",
    "localcloud.host_processes",
    "localcloud.cloudwatch.alarms",
    "localcloud.faults",
    "localcloud.wire_errors",
    "localcloud.guard",  # last, so that it is the first to see a request
)

_A_DAY = 86_400


def load() -> list[ModuleType]:
    """Import every adapter, check the MiniStack symbols they need, and install them."""
    modules = [importlib.import_module(name) for name in ADAPTERS]
    symbols.check(modules)
    for module in modules:
        module.install()
    return modules


async def serve(chosen: settings.Settings, modules: Sequence[ModuleType]) -> None:
    """Serve until SIGTERM; a module that has ``around(application)`` answers before the application."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    application: Any = app
    for module in modules:
        application = module.around(application) if hasattr(module, "around") else application
    if chosen.docker:
        chosen.socket.parent.mkdir(parents=True, exist_ok=True)
        chosen.socket.unlink(missing_ok=True)
    await hypercorn_serve(application, config(chosen), shutdown_trigger=stop.wait)


def config(chosen: settings.Settings) -> Config:
    """Returns the server's addresses and timeouts."""
    made = Config()
    made.bind = [f"127.0.0.1:{chosen.port}"]
    if chosen.docker:
        made.bind.append(f"unix:{chosen.socket}")
        made.umask = 0  # the relay container runs as another user
    # To close an idle connection may be to close it in the moment in which a client asks again: clients close theirs.
    made.keep_alive_timeout = _A_DAY
    made.h11_max_incomplete_size = 16 * LARGEST  # so that the guard says what is wrong with too large a head
    made.loglevel = "WARNING"
    return made


def main() -> None:
    """Entry point of the server process."""
    chosen = settings.current()
    os.umask(0o077)
    try:
        modules = load()
    except (symbols.MissingSymbolsError, extensions.ExtensionError) as error:
        sys.exit(str(error))
    asyncio.run(serve(chosen, modules))


if __name__ == "__main__":
    main()
