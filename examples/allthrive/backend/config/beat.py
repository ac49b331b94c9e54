"""A Celery beat scheduler of which several may run, while only one sends tasks."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from functools import cached_property
from typing import Any

from celery.beat import PersistentScheduler
from django.conf import settings
from redis import Redis
from redis.exceptions import LockError, RedisError
from redis.lock import Lock

from config import alive, queue_age

LEASE_SECONDS = 30.0
RENEW_SECONDS = LEASE_SECONDS / 3
LOG_SECONDS = 60.0

logger = logging.getLogger(__name__)


class SingleScheduler(PersistentScheduler):
    """Sends tasks only while it holds a lease in Redis.

    ECS stops the old beat before it starts the new one, but does not guarantee it: a container that is cut off from the
    control plane keeps running. Then the second beat waits for the lease of the first.
    """

    _logged = float("-inf")

    @cached_property
    def redis(self) -> Redis:
        return Redis.from_url(settings.REDIS_URL, socket_timeout=5)

    @cached_property
    def lease(self) -> Lock:
        return self.redis.lock("beat-lease", timeout=LEASE_SECONDS)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send the tasks that are due, if it holds the lease; return the seconds until the next call."""
        alive.record("beat")
        if not self._holds_lease():
            return RENEW_SECONDS
        self._log_age()
        return min(super().tick(*args, **kwargs), RENEW_SECONDS)

    def close(self) -> None:
        """Release the lease, so that the next beat need not wait until it expires."""
        super().close()
        # Celery closes a scheduler twice, and one without the lease has nothing to release.
        with suppress(RedisError):
            self.lease.release()

    def _log_age(self) -> None:
        if time.monotonic() - self._logged < LOG_SECONDS:
            return
        self._logged = time.monotonic()
        try:
            queue_age.log(self.redis)
        except RedisError as error:
            logger.warning("Redis does not answer about the queue: %s", error)

    def _holds_lease(self) -> bool:
        try:
            return self._renew() or self.lease.acquire(blocking=False)
        except RedisError as error:
            logger.warning("Redis does not answer about the lease, so no task is sent: %s", error)
            return False

    def _renew(self) -> bool:
        try:
            return self.lease.reacquire()
        except LockError:
            return False
