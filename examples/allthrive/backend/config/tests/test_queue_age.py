from __future__ import annotations

import io
import json
import sys
import time
from unittest import mock

from celery import Celery
from celery.signals import before_task_publish
from django.conf import settings
from django.test import SimpleTestCase
from redis import Redis

from config import queue_age


class AgeOfTheOldestTask(SimpleTestCase):
    def setUp(self) -> None:
        self.redis = Redis.from_url(settings.REDIS_URL)
        self.redis.delete(queue_age.QUEUE)
        self.addCleanup(self.redis.delete, queue_age.QUEUE)
        self.app = Celery(broker=settings.REDIS_URL, set_as_current=False)

    def test_an_empty_queue_has_age_0(self) -> None:
        self.assertEqual(queue_age.oldest_task_seconds(self.redis, time.time()), 0)

    def test_the_oldest_of_several_tasks_counts(self) -> None:
        self.app.send_task("first")
        self.app.send_task("second")
        self.assertAlmostEqual(queue_age.oldest_task_seconds(self.redis, time.time() + 400), 400, delta=5)

    def test_a_task_of_a_release_without_times_counts_as_new(self) -> None:
        before_task_publish.disconnect(queue_age.stamp)
        self.addCleanup(before_task_publish.connect, queue_age.stamp)
        self.app.send_task("first")
        self.assertEqual(queue_age.oldest_task_seconds(self.redis, time.time()), 0)

    def test_the_age_is_logged_as_a_line_of_json(self) -> None:
        self.app.send_task("first")
        with mock.patch.object(sys, "__stdout__", io.StringIO()) as output:
            queue_age.log(self.redis)
        self.assertEqual(list(json.loads(output.getvalue())), ["oldest_task_seconds"])
