"""The API, as the frontend uses it."""

from django.conf import settings
from django.test import TestCase, override_settings

import config
from timesheets.models import Entry

ENTRY = {"employee": "Ada", "project": "Bridge", "day": "2030-01-31", "hours": "7.50"}


class Api(TestCase):
    def add(self, **fields):
        return self.client.post("/api/entries/", {**ENTRY, **fields}, content_type="application/json")

    def test_an_entry_is_listed_after_it_was_added(self):
        self.assertEqual(self.add().status_code, 201)
        self.assertEqual(self.client.get("/api/entries/").json(), {"entries": [ENTRY]})
        self.assertEqual(str(Entry.objects.get()), "Ada on 2030-01-31: 7.50 h Bridge")

    def test_what_is_no_entry_is_refused(self):
        for wrong in ({"hours": "25"}, {"hours": "0"}, {"hours": "many"}, {"day": "someday"}, {"employee": ""}):
            with self.subTest(wrong):
                self.assertEqual(self.add(**wrong).status_code, 400)
        self.assertEqual(self.client.post("/api/entries/", "{", content_type="application/json").status_code, 400)
        self.assertFalse(Entry.objects.exists())

    def test_a_day_and_project_has_one_entry(self):
        self.add()
        self.assertEqual(self.add(hours="1").status_code, 400)

    def test_the_hours_of_a_week_are_summed_up(self):
        self.add()
        self.add(day="2030-02-01", hours="1.25")
        self.add(day="2030-02-04")
        self.add(employee="Grace")
        weeks = self.client.get("/api/weeks/Ada/").json()["weeks"]
        self.assertEqual(weeks, {"2030-01-28": "8.75", "2030-02-04": "7.50"})

    def test_health_needs_no_database(self):
        with self.assertNumQueries(0):
            self.assertEqual(self.client.get("/api/health/").json(), {"status": "ok"})

    def test_the_status_names_version_and_build(self):
        body = self.client.get("/api/status/").json()
        self.assertEqual(body["version"], settings.RELEASE_VERSION or config.__version__)
        self.assertEqual((body["image_digest"], body["database"]), (None, True))

    @override_settings(RELEASE_VERSION="9.9.9", RELEASE_IMAGE="registry.example/backend@sha256:abc")
    def test_the_status_names_the_release_that_was_deployed(self):
        body = self.client.get("/api/status/").json()
        self.assertEqual((body["version"], body["image_digest"]), ("9.9.9", "sha256:abc"))

    def test_the_settings_hold_no_password(self):
        self.assertFalse(settings.DATABASES["default"]["PASSWORD"])
