"""The health of a task behind a load balancer: matcher, thresholds, timeout and grace period of its target group."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ministack.core.responses import request_scope
from ministack.services import alb

from localcloud.ecs.health import HEALTHY, STARTING, STARTUP_SECONDS, UNHEALTHY, Monitor, Target, matches, probe
from localcloud.testing.plain import ACCOUNT, REGION

GROUP = "arn:of:the:group"


class Product:
    """A web server on loopback whose status a test sets."""

    def __init__(self) -> None:
        self.status, self.delay = 200, 0.0
        self.paths: list[str] = []
        product = self

        class Served(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                product.paths.append(self.path)
                time.sleep(product.delay)
                self.send_response(product.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Logs nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture(name="product")
def _product() -> Iterator[Product]:
    product = Product()
    with request_scope(ACCOUNT, REGION):
        yield product
        alb._tgs.pop(GROUP, None)
    product.server.shutdown()
    product.server.server_close()


def monitor(product: Product, *, age: float = 100, grace: float = 0, **group: Any) -> Monitor:
    """Returns the monitor of a task that has run for `age` seconds, in a group with these settings."""
    alb._tgs[GROUP] = {
        "HealthCheckPath": "/up/",
        "HealthCheckIntervalSeconds": 10,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 3,
        **group,
    }
    details = [{"name": "privateIPv4Address", "value": "127.0.0.1"}]
    task: dict[str, Any] = {"taskArn": "task", "attachments": [{"details": details}], "containers": []}
    port = int(product.server.server_address[1])
    return Monitor(
        task,
        {"healthCheckGracePeriodSeconds": grace},
        {"containerDefinitions": []},
        started=time.monotonic() - age,
        targets={GROUP: Target(port)},
    )


def check(watched: Monitor, times: int) -> str:
    """Runs the check this often, as if the interval had passed each time; returns the target's state."""
    for _ in range(times):
        watched.targets[GROUP].due = 0.0
        watched.check()
    return watched.targets[GROUP].state


def test_a_new_target_is_healthy_after_one_success(product: Product) -> None:
    watched = monitor(product, age=1)

    assert check(watched, 1) == "healthy"
    assert watched.state == HEALTHY
    assert product.paths == ["/up/"]


@pytest.mark.parametrize(("codes", "status"), [("200-399", 301), ("200,400", 400), ("200-499", 404), ("204", 204)])
def test_a_status_in_the_matcher_is_healthy(product: Product, codes: str, status: int) -> None:
    product.status = status

    assert check(monitor(product, age=1, Matcher={"HttpCode": codes}), 1) == "healthy"


@pytest.mark.parametrize(("codes", "status"), [("200", 301), ("200-399", 400), ("200-499", 500), ("200,302", 301)])
def test_another_status_is_not(product: Product, codes: str, status: int) -> None:
    product.status = status
    watched = monitor(product, Matcher={"HttpCode": codes})

    assert check(watched, 3) == "unhealthy"
    assert watched.targets[GROUP].text == f"Health checks failed with these codes: [{status}]"


def test_a_healthy_target_is_unhealthy_after_as_many_failures_as_the_group_says(product: Product) -> None:
    watched = monitor(product, UnhealthyThresholdCount=4)
    check(watched, 1)
    product.status = 500

    assert check(watched, 3) == "healthy"
    assert check(watched, 1) == "unhealthy"
    assert watched.state == UNHEALTHY


def test_one_success_between_failures_begins_the_count_again(product: Product) -> None:
    watched = monitor(product)
    check(watched, 1)
    for status in (500, 500, 200, 500, 500):
        product.status = status
        check(watched, 1)

    assert watched.targets[GROUP].state == "healthy"


def test_an_unhealthy_target_needs_as_many_successes_as_the_group_says(product: Product) -> None:
    watched = monitor(product, HealthyThresholdCount=3, grace=1000)
    product.status = 500
    watched.targets[GROUP].state = "unhealthy"
    check(watched, 1)
    product.status = 200

    assert check(watched, 2) == "unhealthy"
    assert check(watched, 1) == "healthy"


def test_an_unhealthy_target_is_ignored_in_the_grace_period(product: Product) -> None:
    watched = monitor(product, age=20, grace=60)
    check(watched, 1)
    product.status = 500

    assert check(watched, 5) == "unhealthy"
    assert watched.state == HEALTHY

    watched.started -= 60
    check(watched, 1)
    assert watched.state == UNHEALTHY


def test_a_grace_period_of_more_than_a_minute_is_kept(product: Product) -> None:
    product.status = 500
    watched = monitor(product, age=200, grace=300)
    check(watched, 5)
    assert watched.state == STARTING

    watched.started -= 101
    check(watched, 1)
    assert watched.state == UNHEALTHY


def test_a_shorter_grace_period_is_limited_so_that_a_release_fails_sooner(product: Product) -> None:
    assert monitor(product, grace=60).patience() == STARTUP_SECONDS
    assert monitor(product, grace=61).patience() == 61


def test_a_healthy_target_is_checked_at_the_groups_interval(product: Product) -> None:
    watched = monitor(product, HealthCheckIntervalSeconds=6)
    check(watched, 1)
    assert 5 < watched._pause() <= 6

    watched.check()
    assert len(product.paths) == 1

    product.status = 500
    check(watched, 1)
    assert 5 < watched._pause() <= 6


def test_an_interval_of_minutes_is_kept(product: Product) -> None:
    watched = monitor(product, HealthCheckIntervalSeconds=300)
    check(watched, 1)

    assert 290 < watched.targets[GROUP].due - time.monotonic() <= 300


def test_an_answer_after_the_timeout_is_a_failure(product: Product) -> None:
    product.delay = 0.3
    port = int(product.server.server_address[1])

    assert probe({"HealthCheckTimeoutSeconds": 0.1}, "127.0.0.1", port) == (False, "TimeoutError")
    assert probe({"HealthCheckTimeoutSeconds": 2}, "127.0.0.1", port) == (True, "200")


@pytest.mark.parametrize(("codes", "status", "expected"), [("200-299, 400", 400, True), ("200-299,400", 399, False)])
def test_a_matcher_has_ranges_and_lists(codes: str, status: int, *, expected: bool) -> None:
    assert matches(codes, status) is expected
