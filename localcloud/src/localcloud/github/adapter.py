"""Adds the local GitHub to the server, and clears it when the cloud is reset."""

from __future__ import annotations

from ministack import app

from localcloud.asgi import Application
from localcloud.github import server, wiring

SYMBOLS: tuple[str, ...] = ("ministack.app:_reset_all_state", *wiring.SYMBOLS)


def around(application: Application) -> Application:
    """Returns an ASGI application that serves GitHub's requests itself and passes on all others."""
    return server.around(application, wiring.hub)


def install() -> None:
    """Clear GitHub when the cloud is reset; the server calls `around` itself."""
    reset = app._reset_all_state

    def resetting() -> None:
        reset()
        wiring.hub().clear()

    app._reset_all_state = resetting
