"""Background tasks. Each may run twice without harm: a task whose worker stops is given to another worker."""

from __future__ import annotations

import time

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

HEARTBEAT_KEY = "heartbeat"


@shared_task
def count_words(text: str, seconds: float = 0) -> dict[str, int]:
    """Count words and characters after some seconds, which give time to deploy while a task runs."""
    time.sleep(seconds)
    return {"words": len(text.split()), "characters": len(text)}


@shared_task(ignore_result=True)
def heartbeat() -> None:
    """Record that beat, queue and worker work; the record expires when more than two heartbeats are missing."""
    cache.set(HEARTBEAT_KEY, timezone.now().isoformat(), timeout=3 * settings.HEARTBEAT_SECONDS)
