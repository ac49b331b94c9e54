"""Applications of other packages that the server serves beside its own: a console, for example.

An extension is an importable module with two functions, named by `localcloud up --extension` or
`LOCALCLOUD_EXTENSIONS` (separated by commas), and installed or found in the folder `LOCALCLOUD_EXTENSIONS_FROM`:

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


class ExtensionError(RuntimeError):
    """A module named by the settings is not an extension; the message says what to do."""


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
        ExtensionError: if a module named by the settings cannot be imported, or lacks a function.
    """
    chosen = settings.current()
    if chosen.extensions and chosen.extensions_from is not None:
        sys.path.append(str(chosen.extensions_from))
    return tuple(_load(name) for name in chosen.extensions)


def _load(name: str) -> Extension:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise ExtensionError(
            f"The extension {name} cannot be imported: {error}. "
            "Install it in the environment of localcloud, or name its folder: LOCALCLOUD_EXTENSIONS_FROM."
        ) from error
    lacking = [function for function in ("answers", "around") if not callable(getattr(module, function, None))]
    if lacking:
        raise ExtensionError(f"The extension {name} lacks the function {lacking[0]}: see localcloud.extensions.")
    return cast("Extension", module)


def around(application: Application) -> Application:
    """Returns the application with every extension in front of it, the last one first."""
    for extension in loaded():
        application = extension.around(application)
    return application


def install() -> None:
    """Imports the extensions, so that a missing one stops the start."""
    loaded()
