"""Systems Manager: documents, commands on hosts, State Manager, sessions, and parameters.

The base is MiniStack's Parameter Store. Its commands know no document but one, and it reports success for the others.
"""

from __future__ import annotations

from localcloud.ssm import api, documents, parameters, public_parameters, resources

__all__ = ["SYMBOLS", "install"]

_PARTS = (public_parameters, parameters, documents, resources, api)

SYMBOLS: tuple[str, ...] = tuple(dict.fromkeys(symbol for part in _PARTS for symbol in part.SYMBOLS))


def install() -> None:
    """Install every part."""
    for part in (public_parameters, parameters, resources, api):
        part.install()
