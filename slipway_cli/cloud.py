"""The local cloud of this checkout: its settings, with Slipway's console as an extension."""

from __future__ import annotations

from localcloud import settings
from paths import ROOT, STATE

EXTENSIONS = ("slipway_cli.console",)


def chosen() -> settings.Settings:
    """Returns the settings of this checkout's local cloud: state in `.slipway`, overridden by `LOCALCLOUD_*`."""
    return settings.current(settings.Settings(state=STATE, extensions=EXTENSIONS, extensions_from=ROOT))
