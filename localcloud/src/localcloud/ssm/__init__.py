"""Systems Manager: documents, commands on hosts, State Manager, sessions, and parameters.

The base is MiniStack's Parameter Store. Its commands know no document but one, and it reports success for the others.
"""

from __future__ import annotations

import logging

from localcloud.ssm import (
    agent,
    api,
    authorization,
    commands,
    documents,
    nodes,
    parameters,
    public_parameters,
    records,
    resources,
    targets,
)

__all__ = ["SYMBOLS", "install"]

_PARTS = (public_parameters, parameters, documents, agent, nodes, targets, commands, resources, authorization, api)

SYMBOLS: tuple[str, ...] = tuple(dict.fromkeys(symbol for part in _PARTS for symbol in part.SYMBOLS))

logger = logging.getLogger("localcloud")


def install() -> None:
    """Install every part."""
    for part in (public_parameters, parameters, resources, authorization, api):
        part.install()
    interrupted = records.STORE.load()
    if interrupted:
        logger.warning("%d commands were in progress when the local cloud ended; they failed", interrupted)
