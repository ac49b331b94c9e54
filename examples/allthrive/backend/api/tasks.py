"""Background tasks. Each may run twice without harm, because a worker that stops hands its task to another."""

from __future__ import annotations

import time

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

HEARTBEAT_KEY = "heartbeat"


@shared_task
def count_words(text: str, seconds: float = 0) -> dict[str, int]:
    """Count words and characters, as slowly as asked: a deployment should be tried on work in progress."""
    time.sleep(seconds)
    return {"words": len(text.split()), "characters": len(text)}


@shared_task(ignore_result=True)
def heartbeat() -> None:
    """Leave a sign that beat, queue and worker all work; it fades when two in a row are missing."""
    cache.set(HEARTBEAT_KEY, timezone.now().isoformat(), timeout=3 * settings.HEARTBEAT_SECONDS)
