"""Anonymous users must not get or do these things, whatever the settings are."""

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
def test_no_response_may_be_framed_or_sniffed(client: Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/api/v1/media/../../etc/passwd", "/static/../config/settings.py", "/api/v1/%2e%2e/"])
def test_a_path_with_dot_segments_finds_nothing(client: Client, path: str) -> None:
    assert client.get(path).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.django_db
def test_the_admin_accepts_no_login_without_a_csrf_token() -> None:
    stranger = Client(enforce_csrf_checks=True)
    answer = stranger.post("/admin/login/", {"username": "root", "password": "root"})
    assert answer.status_code == HTTPStatus.FORBIDDEN


def test_cookies_are_sent_over_https_only() -> None:
    assert settings.SESSION_COOKIE_SECURE
    assert settings.CSRF_COOKIE_SECURE


def test_an_error_shows_nothing_of_the_code(client: Client) -> None:
    answer = client.post("/api/v1/tasks/", "{", content_type="application/json")
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert b"Traceback" not in answer.content
