"""The age of the oldest task in the queue, which beat logs for the alarm OldestTaskIsTooOld."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from redis import Redis

QUEUE = "celery"
QUEUED_AT = "queued_at"


def stamp(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Write the time into each message, since Celery does not."""
    if headers is not None:
        headers[QUEUED_AT] = time.time()


def oldest_task_seconds(redis: Redis, now: float) -> float:
    """Returns for how many seconds the oldest task has waited for a worker; 0 if none waits.

    Tasks that a worker has taken are not in the queue. A message without a time was written by an older release.
    """
    message = redis.lindex(QUEUE, -1)  # workers take from this end
    if message is None:
        return 0.0
    return max(0.0, now - float(json.loads(message)["headers"].get(QUEUED_AT, now)))


def log(redis: Redis) -> None:
    """Write the age as one line of JSON. Celery redirects `sys.stdout`, and the prefix of its lines is no JSON."""
    line = json.dumps({"oldest_task_seconds": round(oldest_task_seconds(redis, time.time()), 1)})
    sys.__stdout__.write(f"{line}\n")
    sys.__stdout__.flush()
