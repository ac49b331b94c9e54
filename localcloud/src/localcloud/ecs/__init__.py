"""ECS on Docker: container settings, credentials, health checks, the service scheduler, ECS Exec.

MiniStack starts containers for tasks, but ignores settings, invents some, and lacks whole features. Each correction has
a module of its own.
"""

from __future__ import annotations

from localcloud.ecs import (
    agent,
    commands,
    credentials,
    discovery,
    draining,
    endings,
    fargate,
    health,
    idempotency,
    scheduler,
    tasks,
)

__all__ = ["SYMBOLS", "install"]

_PARTS = (tasks, fargate, endings, credentials, agent, discovery, draining, health, scheduler, commands, idempotency)

SYMBOLS: tuple[str, ...] = tuple(dict.fromkeys(symbol for part in _PARTS for symbol in part.SYMBOLS))


def install() -> None:
    """Install every correction."""
    for part in _PARTS:
        part.install()
