"""The demo's checks of any product's site."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from slipway_cli.demo import checks
from slipway_cli.demo.checks import CheckError
from tests.support.manifests import product

Answers = dict[str, tuple[int, str]]
"""Status and, of a redirect, the location, by path."""


@contextmanager
def site(answers: Answers) -> Iterator[str]:
    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, location = answers.get(self.path, (404, ""))
            self.send_response(status)
            if location:
                self.send_header("Location", location.replace("HOST", self.headers["Host"]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://site.cloudfront.localhost:{server.server_port}"
        finally:
            server.shutdown()  # else its thread asks the closed socket for requests, without a pause, for ever
            thread.join()


def visit(answers: Answers) -> str:
    with site(answers) as url:
        return checks.pages(product(), url, containers=True)


def test_the_site_and_the_beginning_of_each_pattern_are_visited() -> None:
    assert visit({"/": (200, ""), "/api/": (401, "")}) == "/ 200, /api/ 401, /ws/ 404, /admin/ 404"


def test_without_containers_only_the_frontend_is_visited() -> None:
    with site({"/": (200, ""), "/api/": (503, "")}) as url:
        assert checks.pages(product(), url, containers=False) == "/ 200"


def test_a_login_page_is_followed() -> None:
    assert visit({"/": (302, "/login/"), "/login/": (200, "")}).startswith("/ 200")


def test_a_redirect_to_another_site_is_not_followed() -> None:
    assert visit({"/": (302, "https://sso.example/")}).startswith("/ 302")


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_error_of_the_server_fails(status: int) -> None:
    with pytest.raises(CheckError, match=f"/api/: {status}"):
        visit({"/": (200, ""), "/api/": (status, "")})


def test_no_server_of_these_tests_outlives_a_failed_check() -> None:
    before = {*threading.enumerate()}
    with pytest.raises(CheckError):
        visit({"/": (500, "")})
    assert not [thread for thread in {*threading.enumerate()} - before if "serve_forever" in thread.name]


def test_an_error_behind_a_redirect_fails() -> None:
    with pytest.raises(CheckError, match="/login/: 500"):
        visit({"/": (302, "/login/"), "/login/": (500, "")})


@pytest.mark.parametrize("location", ["https://HOST/", "http://HOST/", "/"])
def test_an_endless_redirect_says_what_django_needs(location: str) -> None:
    with pytest.raises(CheckError, match="SECURE_PROXY_SSL_HEADER"):
        visit({"/": (301, location)})


def test_two_pages_that_redirect_to_each_other_are_endless() -> None:
    with pytest.raises(CheckError, match="again and again"):
        visit({"/": (302, "/b/"), "/b/": (302, "/")})


def test_a_refused_host_says_what_to_allow() -> None:
    with pytest.raises(CheckError, match="ALLOWED_HOSTS"):
        visit({"/": (400, "")})


def test_a_bad_request_below_the_api_is_an_answer() -> None:
    assert "/api/ 400" in visit({"/": (200, ""), "/api/": (400, "")})


def test_the_own_check_gets_the_address_and_the_environment(tmp_path: Path) -> None:
    script = ("sh", "-c", 'echo "$URL in $ENVIRONMENT"; pwd')

    assert checks.own(script, tmp_path, "staging", "http://x") == f"http://x in staging, {tmp_path.resolve()}"


def test_the_own_check_runs_with_the_python_of_slipway(tmp_path: Path) -> None:
    assert checks.own(("python3", "-c", "import yaml; print('yes')"), tmp_path, "staging", "http://x") == "yes"


def test_a_failed_own_check_shows_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="exit code 3:\nlogin: wrong"):
        checks.own(("sh", "-c", "echo login: wrong >&2; exit 3"), tmp_path, "staging", "http://x")


def test_a_missing_own_check_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match=r"cannot run.*no-such-program"):
        checks.own(("no-such-program",), tmp_path, "staging", "http://x")
