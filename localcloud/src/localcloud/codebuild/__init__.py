"""CodeBuild: projects keep all their properties, and builds run their buildspec in a container as their service role.

`api` implements the operations, `execution` runs a build, `proxy` is the Docker daemon that a privileged build sees.
"""

from __future__ import annotations

from localcloud.codebuild import api, projects, proxy, records, reports

__all__ = ["SYMBOLS", "install"]

_PARTS = (projects, records, reports, proxy, api)

SYMBOLS: tuple[str, ...] = tuple(dict.fromkeys(symbol for part in _PARTS for symbol in part.SYMBOLS))


def install() -> None:
    """Installs every part into MiniStack."""
    for part in (projects, reports, proxy, api):
        part.install()
