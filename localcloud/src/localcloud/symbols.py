"""Checks at start-up that every private symbol of MiniStack that the adapters use exists.

MiniStack has no plug-in API, so each adapter module declares the symbols that it uses:
``SYMBOLS = ("ministack.services.ecs:_build_run_kwargs", ...)``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from importlib import metadata
from types import ModuleType
from typing import Any

PINNED = "1.5.33"


class MissingSymbolsError(RuntimeError):
    """The installed MiniStack is not the version for which the adapters were written."""


def exists(symbol: str) -> bool:
    """True if ``module:attribute.attribute`` can be resolved."""
    module_name, _, path = symbol.partition(":")
    try:
        found: object = importlib.import_module(module_name)
    except ImportError:
        return False
    for name in path.split("."):
        if not hasattr(found, name):
            return False
        found = getattr(found, name)
    return True


def missing(symbols: Iterable[str]) -> list[str]:
    """Returns the symbols that do not exist, sorted and without duplicates."""
    return sorted(symbol for symbol in set(symbols) if not exists(symbol))


def check(modules: Iterable[ModuleType]) -> None:
    """Raises MissingSymbolsError if symbols are missing; its message names each one and the modules that need it."""
    owners: dict[str, list[str]] = {}
    for module in modules:
        for symbol in module.SYMBOLS:
            owners.setdefault(symbol, []).append(module.__name__)
    absent = missing(owners)
    if absent:
        lines = [f"  {symbol}  (needed by {', '.join(owners[symbol])})" for symbol in absent]
        raise MissingSymbolsError(
            f"the local cloud is written for ministack=={PINNED}, installed is {metadata.version('ministack')}; "
            f"it lacks {len(absent)} of {len(owners)} symbols:\n" + "\n".join(lines) + "\n"
            f"Install the pinned version: pip install ministack=={PINNED}"
        )


def replace_everywhere(module: ModuleType, name: str, wrap: Callable[[Any], Any]) -> None:
    """Replaces a function by `wrap(original)`, also in the modules of MiniStack that imported it by name."""
    original = getattr(module, name)
    replacement = wrap(original)
    for holder in [found for key, found in sys.modules.items() if key.split(".")[0] == "ministack"]:
        if getattr(holder, name, None) is original:
            setattr(holder, name, replacement)
