from __future__ import annotations

import json
from typing import Any
from unittest import mock

from celery.contrib.testing.worker import start_worker
from celery.result import AsyncResult
from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import SimpleTestCase, TestCase, override_settings
from redis.exceptions import ConnectionError as RedisConnectionError

from api import views
from api.tasks import HEARTBEAT_KEY, heartbeat
from catalog.models import Topic
from config.celery import app

PNG = b"\x89PNG\r\n\x1a\n" + b"the rest of an image"


class Health(SimpleTestCase):
    # SimpleTestCase forbids queries, so this test fails if the endpoint uses the database.
    def test_it_answers_a_request_to_the_ip_address(self) -> None:
        response = self.client.get("/api/v1/health/", headers={"host": "10.0.1.23:8000"})
        self.assertEqual(response.status_code, 200)

    @override_settings(SECURE_SSL_REDIRECT=True)
    def test_it_never_redirects_since_the_load_balancer_would_count_that_as_unhealthy(self) -> None:
        self.assertEqual(self.client.get("/api/v1/health/").status_code, 200)


class Status(TestCase):
    def setUp(self) -> None:
        cache.delete(HEARTBEAT_KEY)

    @override_settings(RELEASE_VERSION="4.5.6", RELEASE_IMAGE_DIGEST="sha256:abc")
    def test_it_names_the_running_release(self) -> None:
        body = self.client.get("/api/v1/status/").json()
        self.assertEqual((body["version"], body["image_digest"]), ("4.5.6", "sha256:abc"))

    def test_it_counts_migrations(self) -> None:
        migrations = self.client.get("/api/v1/status/").json()["database"]["migrations"]
        self.assertEqual(migrations["pending"], 0)
        self.assertGreater(migrations["applied"], 10)

    def test_a_worker_is_seen_by_its_heartbeat(self) -> None:
        self.assertFalse(self.client.get("/api/v1/status/").json()["worker"]["ok"])
        heartbeat()
        self.assertTrue(self.client.get("/api/v1/status/").json()["worker"]["ok"])

    def test_a_broken_database_is_reported_and_not_raised(self) -> None:
        with mock.patch("api.status.connection.cursor", side_effect=OperationalError):
            response = self.client.get("/api/v1/status/")
        self.assertEqual(response.status_code, 503)
        self.assertEqual([response.json()[part]["ok"] for part in ("database", "cache")], [False, True])

    def test_a_broken_cache_is_reported_and_not_raised(self) -> None:
        with mock.patch("api.status.cache.get", side_effect=RedisConnectionError):
            response = self.client.get("/api/v1/status/")
        self.assertEqual(response.status_code, 503)
        self.assertEqual([response.json()[part]["ok"] for part in ("database", "cache")], [True, False])


class Tasks(SimpleTestCase):
    def test_a_worker_counts_the_words_of_a_task(self) -> None:
        started = self.client.post("/api/v1/tasks/", {"text": "one two  three"}, content_type="application/json")
        self.assertEqual(started.status_code, 202)
        with start_worker(app, pool="solo", perform_ping_check=False):
            AsyncResult(started.json()["id"]).get(timeout=30)
        shown = self.client.get(started["Location"]).json()
        self.assertEqual(shown["state"], "SUCCESS")
        self.assertEqual(shown["result"], {"words": 3, "characters": 14})

    def test_a_request_without_a_text_is_explained(self) -> None:
        for body in ("", "[]", "{}", '{"text": 7}', json.dumps({"text": "x" * 10_001})):
            with self.subTest(body=body[:20]):
                response = self.client.post("/api/v1/tasks/", body, content_type="application/json")
                self.assertEqual(response.status_code, 400)
                self.assertIn("text", response.json()["error"])

    def test_a_duration_beyond_the_limits_is_refused(self) -> None:
        for seconds in (-1, 21, "1", None, True):
            with self.subTest(seconds=seconds):
                body = json.dumps({"text": "x", "seconds": seconds})
                response = self.client.post("/api/v1/tasks/", body, content_type="application/json")
                self.assertEqual(response.status_code, 400)
                self.assertIn("seconds", response.json()["error"])
        self.assertLess(views.SLOWEST_SECONDS, settings.CELERY_TASK_TIME_LIMIT)

    def test_an_unknown_task_is_pending(self) -> None:
        shown = self.client.get("/api/v1/tasks/00000000-0000-0000-0000-000000000000/").json()
        self.assertEqual((shown["state"], shown["result"]), ("PENDING", None))


@override_settings(STORAGES={**settings.STORAGES, "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}})
class Media(SimpleTestCase):
    def test_an_image_does_not_keep_the_name_of_the_upload(self) -> None:
        url = self.upload("../../etc/passwd", PNG).json()["url"]
        self.assertRegex(url, r"^/media/[0-9a-f-]{36}\.png$")

    def test_a_file_that_is_no_image_by_its_content_is_refused(self) -> None:
        for name, content in (("page.png", b"<script>"), ("drawing.svg", b"<svg onload='x()'/>"), ("empty.gif", b"")):
            with self.subTest(name):
                self.assertEqual(self.upload(name, content).status_code, 415)

    @override_settings(
        STORAGES={
            **settings.STORAGES,
            "default": {
                "BACKEND": "storages.backends.s3.S3Storage",
                "OPTIONS": {"bucket_name": "b", "location": "media"},
            },
        }
    )
    def test_the_content_type_in_s3_comes_from_the_content_and_not_from_the_sender(self) -> None:
        with mock.patch("storages.backends.s3.S3Storage.bucket", new_callable=mock.PropertyMock) as bucket:
            self.upload("page.html", PNG, "text/html")
        key = bucket().Object.call_args.args[0]
        extra = bucket().Object().upload_fileobj.call_args.kwargs["ExtraArgs"]
        self.assertRegex(key, r"^media/[0-9a-f-]{36}\.png$")
        self.assertEqual(extra["ContentType"], "image/png")

    def test_too_large_an_image_is_refused(self) -> None:
        self.assertEqual(self.upload("large.png", PNG.ljust(5 * 1024 * 1024 + 1)).status_code, 413)

    def test_a_request_without_a_file_is_explained(self) -> None:
        self.assertEqual(self.client.post("/api/v1/media/").status_code, 400)

    def upload(self, name: str, content: bytes, content_type: str = "image/png") -> Any:
        return self.client.post("/api/v1/media/", {"file": SimpleUploadedFile(name, content, content_type)})


class Topics(TestCase):
    def test_they_are_listed_by_slug(self) -> None:
        Topic.objects.create(slug="writing", name="Writing", description="Words")
        Topic.objects.create(slug="design", name="Design", description="Shapes")
        topics = self.client.get("/api/v1/topics/").json()["topics"]
        self.assertEqual([topic["slug"] for topic in topics], ["design", "writing"])
        self.assertEqual(topics[0]["description"], "Shapes")


class Errors(SimpleTestCase):
    def test_an_unknown_path_is_answered_in_json(self) -> None:
        response = self.client.get("/api/v1/nothing-here/", headers={"accept": "text/html"})
        self.assertEqual(response.status_code, 404)
        self.assertEqual(response.json(), {"error": "not found"})

    def test_an_internal_error_shows_nothing_of_its_cause(self) -> None:
        self.client.raise_request_exception = False
        with mock.patch("api.views.tasks.count_words.delay", side_effect=RuntimeError("secret")):
            response = self.client.post("/api/v1/tasks/", {"text": "x"}, content_type="application/json")
        self.assertEqual((response.status_code, response.json()), (500, {"error": "internal error"}))


class Admin(TestCase):
    def test_a_stranger_is_asked_to_log_in(self) -> None:
        self.assertRedirects(self.client.get("/admin/"), "/admin/login/?next=/admin/", fetch_redirect_response=False)

    def test_behind_cloudfront_a_request_counts_as_https(self) -> None:
        request = self.client.get("/admin/", headers={"cloudfront-forwarded-proto": "https"}).wsgi_request
        self.assertTrue(request.is_secure())
