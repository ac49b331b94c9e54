"""Puts GitHub beside the application, and empties it with the cloud."""

from __future__ import annotations

from ministack import app

from localcloud.asgi import Application
from localcloud.github import server, wiring

SYMBOLS: tuple[str, ...] = ("ministack.app:_reset_all_state", *wiring.SYMBOLS)


def around(application: Application) -> Application:
    """The application, with GitHub beside it."""
    return server.around(application, wiring.hub)


def install() -> None:
    """Empty it with the cloud; the server wraps the application itself."""
    reset = app._reset_all_state

    def resetting() -> None:
        reset()
        wiring.hub().clear()

    app._reset_all_state = resetting
