"""The local cloud of this checkout: its settings, with Slipway's console as an extension."""

from __future__ import annotations

from localcloud import settings
from paths import ROOT, STATE

EXTENSIONS = ("slipway_cli.console",)
COMMAND = "slipway local"
# What the functions read (docs/pipelines.md#functions), in the words of localcloud.settings.
FUNCTION_VARIABLES = {
    "CA_PEM": "${database_authority}",
    "RESOLVE": "*.localhost=${address}",
    "RUN_URL": "${console_url}/{pipeline}/executions/{execution}/visualization?region={region}",
}
OURS = settings.Settings(
    state=STATE,
    function_variables=FUNCTION_VARIABLES,
    extensions=EXTENSIONS,
    extensions_from=ROOT,
    command=COMMAND,
)


def chosen() -> settings.Settings:
    """Returns the settings of this checkout's local cloud: state in `.slipway`, overridden by `LOCALCLOUD_*`."""
    return settings.current(OURS)
