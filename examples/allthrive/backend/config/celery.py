"""The Celery application; its settings are Django's, with the prefix CELERY_."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import before_task_publish, heartbeat_sent

from config import alive, queue_age

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("allthrive")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
before_task_publish.connect(queue_age.stamp)


@heartbeat_sent.connect
def _record(**_: object) -> None:
    alive.record("worker")
