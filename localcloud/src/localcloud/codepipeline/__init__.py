"""CodePipeline: the operations of its API, and an engine that runs pipelines.

The local git server calls `triggers.push` and `triggers.pull_request`.
"""

from __future__ import annotations

import logging

from ministack import app
from ministack.core import iam_actions, router

from localcloud.codepipeline import api, declarations, roles, template, triggers
from localcloud.codepipeline.state import STORE

__all__ = ["SYMBOLS", "install", "triggers"]

NAME = "codepipeline"

SYMBOLS: tuple[str, ...] = (
    "ministack.app:SERVICE_HANDLERS",
    "ministack.app:SERVICE_REGISTRY",
    "ministack.app:_lazy_handler",
    "ministack.app:_loaded_modules",
    "ministack.app:_state_map",
    "ministack.core.iam_actions:SERVICE_TO_IAM_NAMESPACE",
    "ministack.core.router:SERVICE_PATTERNS",
    *declarations.SYMBOLS,
    *roles.SYMBOLS,
    *api.SYMBOLS,
    *template.SYMBOLS,
    *triggers.SYMBOLS,
)

logger = logging.getLogger("localcloud")


def install() -> None:
    """Registers the service with MiniStack's router and IAM, and fails the unfinished runs of a previous process."""
    router.SERVICE_PATTERNS[NAME] = {
        "target_prefixes": ["CodePipeline_20150709"],
        "host_patterns": [r"codepipeline\."],
        "credential_scope": NAME,
    }
    app.SERVICE_REGISTRY[NAME] = {"module": NAME}
    app._loaded_modules[NAME] = api
    app.SERVICE_HANDLERS[NAME] = app._lazy_handler(NAME)
    app._state_map[NAME] = NAME
    iam_actions.SERVICE_TO_IAM_NAMESPACE[NAME] = NAME
    template.install()
    interrupted = STORE.load()
    if interrupted:
        logger.warning("%d runs of pipelines were in progress when the local cloud ended; they failed", interrupted)
