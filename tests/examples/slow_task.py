"""A task that runs until a test lets it end; mounted into a worker, since the product has no such task."""

from __future__ import annotations

from celery import shared_task  # type: ignore[import-not-found,unused-ignore]  # lives in the product's image only
from django.conf import settings  # type: ignore[import-not-found,unused-ignore]  # likewise
from redis import Redis  # type: ignore[import-not-found,unused-ignore]  # likewise


@shared_task(name="slow_task.wait")  # type: ignore[untyped-decorator,unused-ignore]  # Celery ships no types
def wait() -> None:
    redis = Redis.from_url(settings.REDIS_URL)
    redis.rpush("started", 1)
    redis.blpop("may-end")
    redis.rpush("ended", 1)
