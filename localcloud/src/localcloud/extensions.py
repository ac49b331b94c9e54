"""Applications of other packages that the server serves beside its own: the console of Slipway, for example.

An extension is an importable module with three functions, named by `LOCALCLOUD_EXTENSIONS` (separated by commas) and
found on the server's path or in the folder `LOCALCLOUD_EXTENSIONS_FROM`:

    answers(path, host, headers, *, local) -> bool   True if the extension answers a request
    around(application) -> application               wraps the application; called once
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from functools import cache
from typing import Protocol, cast

from localcloud import settings
from localcloud.asgi import Application

SYMBOLS: tuple[str, ...] = ()


class Extension(Protocol):
    """The functions of an extension's module."""

    def answers(self, path: str, host: str, headers: Mapping[str, str], *, local: bool) -> bool:
        """True if the extension answers a request from a program of this machine (`local`) or from a container."""

    def around(self, application: Application) -> Application:
        """Returns the application with the extension in front of it."""


@cache
def loaded() -> tuple[Extension, ...]:
    """Returns the extensions of this server.

    Raises:
        ImportError: if a module named by the settings cannot be imported.
    """
    chosen = settings.current()
    if chosen.extensions and chosen.extensions_from is not None:
        sys.path.append(str(chosen.extensions_from))
    return tuple(cast("Extension", importlib.import_module(name)) for name in chosen.extensions)


def around(application: Application) -> Application:
    """Returns the application with every extension in front of it, the last one first."""
    for extension in loaded():
        application = extension.around(application)
    return application


def install() -> None:
    """Imports the extensions, so that a missing one stops the start."""
    loaded()
