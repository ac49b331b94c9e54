"""EventBridge Scheduler: times in time zones, and ECS tasks that start with the schedule's role.

MiniStack evaluates cron expressions in UTC only, starts targets as the account's root user, and loses the time zone and
the retry policy of a template.
"""

from __future__ import annotations

from localcloud.scheduler import clock

__all__ = ["SYMBOLS", "install"]

SYMBOLS: tuple[str, ...] = clock.SYMBOLS
install = clock.install
