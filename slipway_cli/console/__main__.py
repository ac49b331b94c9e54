"""`python -m slipway_cli.console`: the console for whatever account the AWS credentials are of."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
import threading
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from hypercorn.asyncio import serve
from hypercorn.config import Config as Server

from slipway_cli.console.site import NAMES, alone
from slipway_cli.console.web import BASE, Console

_AWS_SECONDS, _LOCAL_SECONDS = 4.0, 1.0  # AWS answers few questions a second before it throttles


class Clients:
    """Clients by service and region, each made once."""

    def __init__(self, session: Any) -> None:
        self._session, self._made = session, dict[tuple[str, str], Any]()
        self._guard = threading.Lock()

    def __call__(self, service: str, region: str) -> Any:
        """The client."""
        with self._guard:
            if (service, region) not in self._made:
                config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})
                self._made[service, region] = self._session.client(service, region_name=region, config=config)
            return self._made[service, region]


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        session = boto3.session.Session()
        region = options.region or os.environ.get("AWS_REGION") or session.region_name  # boto3 reads the other one
    except BotoCoreError as error:
        return _failed(f"{error}")
    if not region:
        return _failed("no region: expected --region or AWS_REGION")
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    nearby = (endpoint.hostname or "") in NAMES
    console = Console(
        clients=Clients(session),
        region=region,
        github=(options.github or _github(nearby, endpoint.port)).rstrip("/"),
        actions=options.allow_actions,
        every=_LOCAL_SECONDS if nearby else _AWS_SECONDS,
        account=endpoint.netloc or "AWS",
    )
    try:
        listening = socket.create_server(("127.0.0.1", options.port))
    except OSError as error:
        return _failed(f"port {options.port} cannot be used: {error}; expected a free one in --port")
    sys.stdout.write(f"http://localhost:{listening.getsockname()[1]}{BASE}?region={region}\n")
    sys.stdout.write("Approving, retrying and stopping are allowed.\n" if options.allow_actions else "It only looks.\n")
    sys.stdout.flush()
    asyncio.run(_serve(console, listening))
    return 0


async def _serve(console: Console, listening: socket.socket) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    config = Server()
    config.bind = [f"fd://{listening.detach()}"]
    config.loglevel = "WARNING"
    application: Any = alone(console)
    await serve(application, config, shutdown_trigger=stop.wait)


def _github(nearby: bool, port: int | None) -> str:
    return f"http://github.localhost:{port}" if nearby and port else "https://github.com"


def _failed(said: str) -> int:
    sys.stderr.write(f"{said}\n")
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m slipway_cli.console",
        description="Shows the pipelines of the account that the AWS credentials are of.",
    )
    parser.add_argument("--port", type=int, default=4780)
    parser.add_argument("--region", help="where the pipelines are; AWS_REGION by default")
    parser.add_argument("--github", help="the address above the repositories; https://github.com by default")
    parser.add_argument("--allow-actions", action="store_true", help="approve, reject, retry and stop too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
