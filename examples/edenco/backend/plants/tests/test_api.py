"""The API, as the frontend uses it."""

import json
from datetime import date, timedelta

import pytest

import config
from plants.models import Plant

pytestmark = pytest.mark.django_db


def add(client, **fields):
    body = {"name": "Basil", "days_between_watering": 7, **fields}
    return client.post("/api/v1/plants/", json.dumps(body), content_type="application/json")


def test_health_needs_no_database(client, django_db_blocker):
    with django_db_blocker.block():
        assert client.get("/api/v1/health/").json() == {"status": "ok"}


def test_the_status_names_the_version_of_the_source(client):
    body = client.get("/api/v1/status/").json()
    assert (body["version"], body["image"], body["database"]) == (config.__version__, None, True)


def test_the_status_names_the_release_that_was_deployed(client, settings):
    settings.RELEASE_VERSION = "9.9.9"
    settings.RELEASE_IMAGE = "registry.example/edenco/backend@sha256:abc"
    body = client.get("/api/v1/status/").json()
    assert (body["version"], body["image_digest"]) == ("9.9.9", "sha256:abc")
    assert body["image"] == "registry.example/edenco/backend@sha256:abc"


def test_the_status_is_503_without_redis(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/api/v1/status/")
    assert (answer.status_code, answer.json()["redis"]) == (503, False)


def test_a_plant_is_listed_after_it_was_added(client):
    assert add(client).status_code == 201
    (listed,) = client.get("/api/v1/plants/").json()["plants"]
    assert (listed["name"], listed["days_between_watering"]) == ("Basil", 7)
    assert str(Plant.objects.get()) == "Basil"


@pytest.mark.parametrize(
    "fields",
    [{"name": ""}, {"name": "x" * 81}, {"days_between_watering": 0}, {"days_between_watering": "often"}],
)
def test_what_is_no_plant_is_refused(client, fields):
    assert add(client, **fields).status_code == 400
    assert not Plant.objects.exists()


def test_a_body_that_is_no_json_is_refused(client):
    assert client.post("/api/v1/plants/", "{", content_type="application/json").status_code == 400


def test_two_plants_have_different_names(client):
    add(client)
    assert "already exists" in str(add(client).json()["error"])


def test_a_worker_plans_four_weeks(client):
    plant = add(client).json()["id"]
    queued = client.post(f"/api/v1/plants/{plant}/plan/")
    assert queued.status_code == 202
    done = client.get(f"/api/v1/tasks/{queued.json()['id']}/").json()
    weeks = [(date.today() + timedelta(weeks=week)).isoformat() for week in range(4)]
    assert (done["state"], done["result"]) == ("SUCCESS", weeks)


def test_only_plants_that_exist_have_a_plan(client):
    assert client.post("/api/v1/plants/1/plan/").status_code == 404


def test_the_admin_lists_plants(admin_client):
    Plant.objects.create(name="Basil", days_between_watering=2)
    assert "Basil" in admin_client.get("/admin/plants/plant/", secure=True).content.decode()
