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

from local import settings, symbols
from local.guard.head import LARGEST

#: Installed in this order. A module has ``SYMBOLS`` and ``install()``.
ADAPTERS: tuple[str, ...] = (
    "local.adapter",
    "local.containers",
    "local.trust",
    "local.engine",
    "local.identity",
    "local.ecs",
    "local.databases",
    "local.restores",
    "local.rotation",
    "local.autoscaling",
    "local.sockets",
    "local.resources.ecs",
    "local.resources.rds",
    "local.resources.elasticache",
    "local.resources.secrets",
    "local.resources.autoscaling",
    "local.resources.ec2_service",
    "local.resources.ec2",
    "local.resources.iam",
    "local.resources.s3",
    "local.resources.ecr",
    "local.resources.ecr_login",
    "local.resources.ecr_scans",
    "local.resources.cloudfront",
    "local.resources.wafv2",
    "local.resources.route53",
    "local.resources.logs",
    "local.resources.cloudwatch",
    "local.resources.messaging",
    "local.resources.operations",
    "local.resources.parameters",
    "local.resources.developer_tools",
    "local.resources.builds",
    "local.builds",
    "local.custom_resources",
    "local.events",
    "local.pipelines",
    "local.github.adapter",
    "local.console",
    "local.edge",
    "local.functions",
    "local.host_processes",
    "local.alarms",
    "local.faults",
    "local.guard",  # last, so that it is the first to see a request
)

_A_DAY = 86_400


def load() -> list[ModuleType]:
    """Import every adapter, check what they need of MiniStack, install them."""
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
    """Where the server listens, and for how long."""
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
    except symbols.MissingSymbolsError as error:
        sys.exit(str(error))
    asyncio.run(serve(chosen, modules))


if __name__ == "__main__":
    main()
