"""Real containers behind ECS: settings, credentials, health, scheduling, commands inside.

MiniStack starts containers for tasks; what it drops, invents or does not do is put right here, one idea per module.
"""

from __future__ import annotations

from localcloud.ecs import (
    agent,
    commands,
    credentials,
    draining,
    endings,
    fargate,
    health,
    idempotency,
    scheduler,
    tasks,
)

__all__ = ["SYMBOLS", "install"]

_PARTS = (tasks, fargate, endings, credentials, agent, draining, health, scheduler, commands, idempotency)

SYMBOLS: tuple[str, ...] = tuple(dict.fromkeys(symbol for part in _PARTS for symbol in part.SYMBOLS))


def install() -> None:
    """Put every part in place."""
    for part in _PARTS:
        part.install()
