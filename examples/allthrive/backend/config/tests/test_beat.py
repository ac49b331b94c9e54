from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from unittest import mock

from celery import Celery
from django.conf import settings
from django.test import SimpleTestCase
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from config.beat import LEASE_SECONDS, SingleScheduler


class SingleBeat(SimpleTestCase):
    def setUp(self) -> None:
        self.redis = Redis.from_url(settings.REDIS_URL)
        self.redis.delete("beat-lease")
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_of_two_only_the_first_sends_tasks(self) -> None:
        first, second = self.beat("first"), self.beat("second")
        first.tick()
        second.tick()
        self.assertTrue(first.apply_async.called)
        self.assertFalse(second.apply_async.called)

    def test_the_second_takes_over_as_soon_as_the_first_stops(self) -> None:
        first, second = self.beat("first"), self.beat("second")
        first.tick()
        first.close()
        second.tick()
        self.assertTrue(second.apply_async.called)

    def test_the_lease_ends_by_itself_when_its_holder_vanishes(self) -> None:
        self.beat("first").tick()
        self.assertTrue(0 < self.redis.pttl("beat-lease") <= LEASE_SECONDS * 1000)

    def test_a_beat_that_lost_its_lease_sends_nothing(self) -> None:
        first, second = self.beat("first"), self.beat("second")
        first.tick()
        self.redis.delete("beat-lease")
        second.tick()
        first.apply_async.reset_mock()
        first.tick()
        self.assertFalse(first.apply_async.called)

    def test_without_redis_it_sends_nothing_but_keeps_running(self) -> None:
        beat = self.beat("first")
        with mock.patch.object(beat.lease, "acquire", side_effect=RedisConnectionError):
            self.assertGreater(beat.tick(), 0)
        self.assertFalse(beat.apply_async.called)

    def beat(self, name: str) -> SingleScheduler:
        """Start a scheduler whose only entry is always due."""
        app = Celery(broker=settings.REDIS_URL, set_as_current=False)
        app.conf.beat_schedule = {"entry": {"task": "entry", "schedule": timedelta(0)}}
        scheduler = SingleScheduler(app, schedule_filename=str(self.folder / name))
        scheduler.apply_async = mock.Mock()
        self.addCleanup(scheduler.close)
        return scheduler
