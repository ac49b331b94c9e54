"""CodeBuild: projects keep what they say, builds run their buildspec in a container as their own role.

`api` answers the calls, `execution` runs a build, `proxy` is the Docker daemon a privileged build sees.
"""

from __future__ import annotations

from localcloud.codebuild import api, projects, proxy, records, reports

__all__ = ["SYMBOLS", "install"]

_PARTS = (projects, records, reports, proxy, api)

SYMBOLS: tuple[str, ...] = tuple(dict.fromkeys(symbol for part in _PARTS for symbol in part.SYMBOLS))


def install() -> None:
    """Put every part in place."""
    for part in (projects, reports, proxy, api):
        part.install()
