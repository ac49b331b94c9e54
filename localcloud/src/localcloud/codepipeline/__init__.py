"""CodePipeline: the service's API, and an engine that runs pipelines as they are declared.

`triggers.push` and `triggers.pull_request` are the ways in for the local git server.
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
    """Make it a service that requests are routed to and IAM decides on; end the runs of a process before this one."""
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
    lost = STORE.load()
    if lost:
        logger.warning("%d runs of pipelines were under way when the local cloud ended; they have failed", lost)
