"""`slipway console`: the console for the account of the AWS credentials."""

from __future__ import annotations

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
from hypercorn.asyncio import serve
from hypercorn.config import Config as Server

from slipway_cli import cloud
from slipway_cli.console.site import NAMES, alone
from slipway_cli.console.web import BASE, Console
from slipway_cli.errors import CommandError, usage
from slipway_cli.typed import again

_PORT = 4780
_AWS_SECONDS, _LOCAL_SECONDS = 4.0, 1.0  # AWS throttles after a few requests a second


class Clients:
    """Creates clients by service and region, each once."""

    def __init__(self, session: Any) -> None:
        self._session, self._made = session, dict[tuple[str, str], Any]()
        self._guard = threading.Lock()

    def __call__(self, service: str, region: str) -> Any:
        """Returns the client."""
        with self._guard:
            if (service, region) not in self._made:
                config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})
                self._made[service, region] = self._session.client(service, region_name=region, config=config)
            return self._made[service, region]


def show(*, port: int | None, region: str | None, github: str | None, actions: bool, aws: bool) -> int:
    """Serve until interrupted; for a local cloud, which serves the pages itself, only print the address.

    Raises:
        CommandError: if there is no region, or the port cannot be used.
    """
    where = cloud.connected(aws=aws)
    if where.local is not None and port is None:
        place = where.enter(where.local.account, where.local.region)
        _say(f"{place}\n{where.local.console_url}?region={region or where.local.region}")
        return 0
    session = boto3.session.Session()
    region = region or os.environ.get("AWS_REGION") or session.region_name  # boto3 reads the other one
    if not region:
        raise usage("no region; give --region or set AWS_REGION", again(region="us-east-1"))
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    nearby = (endpoint.hostname or "") in NAMES
    console = Console(
        clients=Clients(session),
        region=region,
        github=(github or _github(nearby, endpoint.port)).rstrip("/"),
        actions=actions,
        every=_LOCAL_SECONDS if nearby else _AWS_SECONDS,
        account=endpoint.netloc or "AWS",
    )
    port = _PORT if port is None else port
    try:
        listening = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise CommandError(f"port {port} cannot be used: {error.strerror}", again(port="0")) from None
    _say(f"{where.name}, {region}")
    _say(f"http://localhost:{listening.getsockname()[1]}{BASE}?region={region}")
    _say("The pages can approve, reject, retry and stop." if actions else "Read-only: --allow-actions allows more.")
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


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
