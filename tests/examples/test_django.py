"""Django with cookiecutter-django's production settings answers what CloudFront and the load balancer send it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from typing import Any

import pytest

from tests.examples.product import HERE
from tests.stacks.test_optional_parts import without
from tests.support.manifests import REMOVED
from tests.support.synthesis import Synthesis, synthesis
from tests.support.way import Request, Way

pytestmark = [pytest.mark.docker, pytest.mark.slow]

DOMAIN, CLOUDFRONT = "shop.example.org", "d111111abcdef8.cloudfront.net"
CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/0f1e2d3c-0000-4000-8000-000000000000"
WITH_DOMAIN, WITHOUT_DOMAIN = (DOMAIN, "HTTP_X_FORWARDED_PROTO"), (CLOUDFRONT, "HTTP_CLOUDFRONT_FORWARDED_PROTO")


def site(host: str) -> Synthesis:
    """A Django site that serves its own pages, with the default health check."""
    changes = without(
        "frontend", "cache", "media", **{"services.web.paths": ["/*"], "services.web.health_path": REMOVED}
    )
    edge = {"domain": {"name": DOMAIN, "certificate_arn": CERTIFICATE}} if host == DOMAIN else {}
    changes["environments"]["production"]["edge"] = edge
    return synthesis(changes)


def answers(image: str, host: str, proxy_header: str, requests: list[Request]) -> list[dict[str, Any]]:
    """Returns Django's answers to requests, in their order."""
    done = subprocess.run(
        ["docker", "run", "--rm", "-i", "--network", "none", "--volume", f"{HERE}:/tests:ro", image]
        + ["python", "/tests/django_site.py", host, proxy_header],
        input="\n".join(json.dumps(asdict(request)) for request in requests),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(("host", "proxy_header"), [WITH_DOMAIN, WITHOUT_DOMAIN])
def test_visitors_get_pages_send_forms_and_load_static_files(image: str, host: str, proxy_header: str) -> None:
    way = Way(site(host), "production-allthrive")
    sent = {"Host": host, "User-Agent": "Mozilla/5.0"}
    page, posted, style = answers(
        image,
        host,
        proxy_header,
        [
            way.visit(Request("GET", "/contact/", sent)),
            way.visit(Request("POST", "/contact/", {**sent, "Origin": f"https://{host}"})),
            way.visit(Request("GET", "/static/site.css", sent)),
        ],
    )

    assert page["status"] == 200
    assert (posted["status"], posted["text"]) == (200, f"sent by https://{host}/contact/")
    assert (style["status"], style["text"]) == (200, "body {}")


@pytest.mark.parametrize(("host", "proxy_header"), [WITH_DOMAIN, WITHOUT_DOMAIN])
def test_an_unchanged_site_passes_the_default_health_check(image: str, host: str, proxy_header: str) -> None:
    check, accepted = Way(site(host), "production-allthrive").health_check()
    (answer,) = answers(image, host, proxy_header, [check])

    assert answer["status"] == 400  # DisallowedHost: the load balancer calls a task by its address
    assert answer["status"] in accepted


def test_the_setting_for_a_domain_redirects_forever_without_one(image: str) -> None:
    way = Way(site(CLOUDFRONT), "production-allthrive")
    request = way.visit(Request("GET", "/contact/", {"Host": CLOUDFRONT}))
    (answer,) = answers(image, CLOUDFRONT, "HTTP_X_FORWARDED_PROTO", [request])

    assert (answer["status"], answer["headers"]["location"]) == (301, f"https://{CLOUDFRONT}/contact/")


def test_a_refused_host_does_not_share_the_cache_of_static_files(image: str) -> None:
    way = Way(site(DOMAIN), "production-allthrive")
    other = way.visit(Request("GET", "/static/site.css", {"Host": CLOUDFRONT}))
    own = way.visit(Request("GET", "/static/site.css", {"Host": DOMAIN}))
    (refused, style) = answers(image, *WITH_DOMAIN, [other, own])

    assert (refused["status"], style["status"]) == (400, 200)
    assert other.headers["Host"] != own.headers["Host"]  # what is forwarded of a cached path is its key


def test_a_visitor_cannot_pretend_https_with_a_header(image: str) -> None:
    way = Way(site(DOMAIN), "production-allthrive")
    request = way.visit(Request("GET", "/static/site.css", {"Host": DOMAIN, "X-Forwarded-Proto": "http"}))

    assert request.headers["X-Forwarded-Proto"] == "https"
