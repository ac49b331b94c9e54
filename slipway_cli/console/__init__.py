"""A console for pipelines: what runs, what waits, what failed and why. It uses only the public AWS API.

The local cloud serves it at the paths of AWS's console; `slipway console` shows any account.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from localcloud import clients, settings
from localcloud.asgi import Application
from slipway_cli.console.site import answers, beside
from slipway_cli.console.web import Console

__all__ = ["answers", "around"]


@cache
def _client(service: str, region: str) -> Any:
    chosen = settings.current()
    return clients.client(service, clients.root(chosen.account), region, connect_timeout=5, read_timeout=20)


def around(application: Application) -> Application:
    """Returns the application with the console of the local cloud's account added."""
    chosen = settings.current()
    return beside(
        application,
        Console(
            clients=_client,
            region=chosen.region,
            github=chosen.github_url,
            actions=True,
            every=1.0,
            account=f"local cloud, account {chosen.account}",
        ),
    )
