"""CodePipeline: the operations of its API, and an engine that runs pipelines.

The local git server calls `triggers.push` and `triggers.pull_request`.
"""

from __future__ import annotations

import logging

from localcloud import json_services
from localcloud.codepipeline import api, declarations, roles, template, triggers
from localcloud.codepipeline.state import STORE

__all__ = ["SYMBOLS", "install", "triggers"]

SYMBOLS: tuple[str, ...] = (
    *json_services.SYMBOLS,
    *declarations.SYMBOLS,
    *roles.SYMBOLS,
    *template.SYMBOLS,
    *triggers.SYMBOLS,
)

logger = logging.getLogger("localcloud")


def install() -> None:
    """Registers the service with MiniStack's router and IAM, and fails the unfinished runs of a previous process."""
    api.SERVICE.install()
    template.install()
    interrupted = STORE.load()
    if interrupted:
        logger.warning("%d runs of pipelines were in progress when the local cloud ended; they failed", interrupted)
