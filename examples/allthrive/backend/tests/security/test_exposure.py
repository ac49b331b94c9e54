"""What a stranger must not get, whatever the settings of the day."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.conf import settings
from django.test import Client

PAGES = ["/api/v1/health/", "/api/v1/nothing-here/", "/admin/"]


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("path", PAGES)
def test_no_answer_may_be_framed_or_guessed_at(client: Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/api/v1/media/../../etc/passwd", "/static/../config/settings.py", "/api/v1/%2e%2e/"])
def test_a_path_that_climbs_finds_nothing(client: Client, path: str) -> None:
    assert client.get(path).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.django_db
def test_the_admin_takes_no_login_without_its_token() -> None:
    stranger = Client(enforce_csrf_checks=True)
    answer = stranger.post("/admin/login/", {"username": "root", "password": "root"})
    assert answer.status_code == HTTPStatus.FORBIDDEN


def test_cookies_travel_over_https_only() -> None:
    assert settings.SESSION_COOKIE_SECURE
    assert settings.CSRF_COOKIE_SECURE


def test_an_error_shows_nothing_of_the_code(client: Client) -> None:
    answer = client.post("/api/v1/tasks/", "{", content_type="application/json")
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert b"Traceback" not in answer.content
