"""Systems Manager: documents, commands on hosts, State Manager, sessions, and parameters.

The base is MiniStack's Parameter Store. Its commands know no document but one, and it reports success for the others.
"""

from __future__ import annotations

import logging

from localcloud.ssm import (
    agent,
    api,
    associations,
    authorization,
    commands,
    documents,
    labels,
    nodes,
    parameters,
    public_parameters,
    records,
    resources,
    sessions,
    state_manager,
    targets,
)

__all__ = ["SYMBOLS", "install"]

_INSTALLED = (public_parameters, parameters, labels, resources, authorization, api, associations)
_PARTS = (*_INSTALLED, documents, agent, nodes, targets, commands, state_manager, sessions)

SYMBOLS: tuple[str, ...] = tuple(dict.fromkeys(symbol for part in _PARTS for symbol in part.SYMBOLS))

logger = logging.getLogger("localcloud")


def install() -> None:
    """Install every part."""
    for part in _INSTALLED:
        part.install()
    interrupted = records.STORE.load()
    if interrupted:
        logger.warning("%d commands were in progress when the local cloud ended; they failed", interrupted)
