"""A scheduler of which any number may run, while only one fires."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import cached_property
from typing import Any

from celery.beat import PersistentScheduler
from django.conf import settings
from redis import Redis
from redis.exceptions import LockError, RedisError
from redis.lock import Lock

LEASE_SECONDS = 30.0
RENEW_SECONDS = LEASE_SECONDS / 3

logger = logging.getLogger(__name__)


class SingleScheduler(PersistentScheduler):
    """Fires only while it holds a lease in Redis.

    ECS stops the old beat before it starts the new one, but promises no mutual exclusion: a container cut off from
    the control plane lives on. Its lease then keeps the second one quiet.
    """

    @cached_property
    def lease(self) -> Lock:
        return Redis.from_url(settings.REDIS_URL, socket_timeout=5).lock("beat-lease", timeout=LEASE_SECONDS)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Fire what is due, if it is ours to fire; return the seconds until the next call."""
        if not self._holds_lease():
            return RENEW_SECONDS
        return min(super().tick(*args, **kwargs), RENEW_SECONDS)

    def close(self) -> None:
        """Give the lease back, so that the successor need not wait for its end."""
        super().close()
        # Celery closes a scheduler twice, and a quiet one has nothing to give.
        with suppress(RedisError):
            self.lease.release()

    def _holds_lease(self) -> bool:
        try:
            return self._renew() or self.lease.acquire(blocking=False)
        except RedisError as error:
            logger.warning("no answer about the lease, so nothing fires: %s", error)
            return False

    def _renew(self) -> bool:
        try:
            return self.lease.reacquire()
        except LockError:
            return False
