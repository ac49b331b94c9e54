"""The backend answers people, the load balancer, releases and Prometheus."""

import json

import pytest
from showcase.app import application


def ask(path, method="GET", **headers):
    """Returns status and body of a request."""
    seen = []
    body = application(
        {"REQUEST_METHOD": method, "PATH_INFO": path, **headers}, lambda status, fields: seen.append((status, fields))
    )
    ((status, fields),) = seen
    assert dict(fields)["Content-Length"] == str(len(b"".join(body))) or method == "HEAD"
    return int(status[:3]), b"".join(body).decode()


def counted(route, status):
    """Returns how many requests to a route the metrics count."""
    line = f'http_requests_total{{method="GET",route="{route}",status="{status}"}} '
    return sum(float(text[len(line) :]) for text in ask("/metrics")[1].splitlines() if text.startswith(line))


def test_a_visitor_sees_every_experience():
    status, page = ask("/")

    assert status == 200
    assert page.count("<li>") == len(json.loads(ask("/api/experiences")[1])["experiences"])


def test_one_experience_is_found_by_its_id():
    assert json.loads(ask("/api/experiences/2")[1])["title"] == "An alarm that nobody read"


@pytest.mark.parametrize("path", ["/api/experiences/99", "/api/experiences/", "/nothing"])
def test_what_does_not_exist_is_not_found(path):
    assert ask(path)[0] == 404


def test_only_reading_is_allowed():
    assert ask("/", "POST")[0] == 405


def test_the_answer_to_head_has_no_body():
    assert ask("/", "HEAD") == (200, "")


def test_the_load_balancer_finds_it_healthy():
    assert ask("/health") == (200, "ok")


def test_the_status_names_the_release(monkeypatch):
    monkeypatch.setenv("RELEASE_VERSION", "1.2.3-abc")
    monkeypatch.setenv("RELEASE_IMAGE", "registry/showcase/backend@sha256:12")

    assert json.loads(ask("/status")[1]) == {"version": "1.2.3-abc", "image_digest": "sha256:12"}


def test_without_a_release_the_status_has_the_version_of_the_source(monkeypatch):
    monkeypatch.delenv("RELEASE_VERSION", raising=False)

    assert json.loads(ask("/status")[1])["version"] == "1.0.0"


def test_each_request_is_counted_by_its_route_not_its_path():
    before = counted("other", 404)

    ask("/a")
    ask("/b")

    assert counted("other", 404) == before + 2


def test_a_made_up_method_gets_no_series_of_its_own():
    ask("/", "INVENTED")

    assert "INVENTED" not in ask("/metrics")[1]


def test_nobody_outside_reads_the_metrics():
    assert ask("/metrics", HTTP_X_FORWARDED_FOR="192.0.2.1")[0] == 404
