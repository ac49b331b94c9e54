"""Health checks of services: short forms, defaults, and the loader's messages about checks that cannot work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from products.containers import Service
from products.health import CommandCheck, PathCheck
from tests.support.manifests import complaints, manifest

WEB: dict[str, Any] = {"port": 8000, "paths": ["/*"]}
PING = "celery -A config inspect ping -d celery@$(hostname)"


def service(**keys: Any) -> Service:
    given = {"image": "backend", "size": {"cpu": 256, "memory": 512}, **keys}
    return Service.model_validate_json(json.dumps(given))


def messages(folder: Path, **keys: Any) -> list[str]:
    """Returns the loader's messages about AllThrive with an additional service, without file and line."""
    given = {"image": "backend", "size": {"cpu": 256, "memory": 512}, **keys}
    text = yaml.safe_dump(manifest({"services.extra": given}), sort_keys=False)
    return [line.partition(" services.extra.")[2] for line in complaints(folder, text)]


def test_the_short_form_of_a_path_means_that_it_returns_200() -> None:
    assert service(**WEB, health_path="/up/").health.path_check() == PathCheck("/up/", "200", 10, 5, 2, 3, 60)


def test_the_short_form_and_the_section_mean_the_same() -> None:
    short, long = service(**WEB, health_path="/up/"), service(**WEB, health_check={"path": "/up/"})

    assert short.health.path_check() == long.health.path_check()


def test_the_section_may_change_the_timings_of_the_short_form() -> None:
    check = service(**WEB, health_path="/up/", health_check={"interval_seconds": 20, "grace_seconds": 0}).health

    assert check.path_check() == PathCheck("/up/", "200", 20, 5, 2, 3, 0)


def test_a_service_without_a_health_page_is_healthy_if_it_answers_without_a_server_error() -> None:
    check = service(**WEB).health.path_check()

    assert (check.path, check.status) == ("/", "200-499")


def test_status_codes_apply_to_the_default_path_too() -> None:
    check = service(**WEB, health_check={"status": "200,301"}).health.path_check()

    assert (check.path, check.status) == ("/", "200,301")


def test_the_short_form_of_a_command_has_the_timings_of_before() -> None:
    assert service(health_command=["ping"]).health.command_check() == CommandCheck(("ping",), 30, 10, 3, 60)


def test_a_service_without_a_command_has_no_check_in_the_container() -> None:
    assert service(**WEB).health.command_check() is None


def test_a_service_may_have_both_checks_with_the_same_timings() -> None:
    both = {"path": "/up/", "command": ["ping"], "interval_seconds": 60, "timeout_seconds": 30, "unhealthy_after": 5}
    health = service(**WEB, health_check=both).health

    assert health.path_check() == PathCheck("/up/", "200", 60, 30, 2, 5, 60)
    assert health.command_check() == CommandCheck(("ping",), 60, 30, 5, 60)


@pytest.mark.parametrize(
    "check",
    [
        {"status": "200"},
        {"status": "200-499"},
        {"status": "200,301,400"},
        {"status": "200-299,400"},
        {"interval_seconds": 300, "timeout_seconds": 120},
        {"healthy_after": 10, "unhealthy_after": 2},
        {"path": "/?check=1"},
        {"command": ["sh", "-c", PING], "start_seconds": 300},
    ],
)
def test_what_aws_accepts_is_accepted(tmp_path: Path, check: dict[str, Any]) -> None:
    assert messages(tmp_path, **{**WEB, "port": 9000, "paths": ["/extra/*"]}, health_check=check) == []


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            {"interval_seconds": 5, "timeout_seconds": 5},
            (
                "health_check.timeout_seconds: got 5, which is not less than the path's interval_seconds, 5; "
                "raise interval_seconds or lower timeout_seconds"
            ),
        ),
        (
            {"timeout_seconds": 12},
            (
                "health_check.timeout_seconds: got 12, which is not less than the path's interval_seconds, 10; "
                "raise interval_seconds or lower timeout_seconds"
            ),
        ),
        (
            {"unhealthy_after": 1},
            "health_check.unhealthy_after: got 1; a load balancer needs 2 or more",
        ),
        ({"start_seconds": 30}, "health_check.start_seconds: only a command has it; for a path, write grace_seconds"),
        ({"status": "399-200"}, "health_check.status: got '399-200'; write the lower code first: 200-399"),
        ({"status": "200-599"}, "health_check.status: got '200-599'; write it like \"200-399\""),
        ({"status": "2xx"}, "health_check.status: got '2xx'; write it like \"200-399\""),
        ({"status": 200}, 'health_check.status: expected text, got 200; put it in quotes: status: "200"'),
        ({"path": "up"}, "health_check.path: got 'up'; write it like /api/v1/health/"),
        ({"interval_seconds": 4}, "health_check.interval_seconds: input should be greater than or equal to 5, got 4"),
        (
            {"command": ["ping"], "interval_seconds": 90, "timeout_seconds": 61},
            "health_check.timeout_seconds: got 61; ECS allows 60 for a command",
        ),
    ],
)
def test_a_check_that_aws_would_refuse_is_refused_here(tmp_path: Path, check: dict[str, Any], message: str) -> None:
    assert messages(tmp_path, port=9000, paths=["/extra/*"], health_check=check) == [message]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"health_check": {"path": "/up/"}},
            (
                "health_check.path: the load balancer does not reach a service without a port; "
                "write port and paths, or command instead of path"
            ),
        ),
        (
            {"health_check": {"command": ["ping"], "status": "200"}},
            (
                "health_check.status: the load balancer does not reach a service without a port; "
                "a command is healthy with exit code 0; remove status"
            ),
        ),
        (
            {"health_command": ["ping"], "health_check": {"grace_seconds": 120}},
            (
                "health_check.grace_seconds: the load balancer does not reach a service without a port; "
                "for a command, write start_seconds"
            ),
        ),
        (
            {"health_check": {"interval_seconds": 20}},
            "health_check: it checks nothing; write command, or give the service a port and paths",
        ),
        (
            {"health_command": ["ping"], "health_check": {"command": ["pong"]}},
            "health_command: health_check.command defines the same; remove one of the two",
        ),
    ],
)
def test_keys_that_contradict_each_other_are_refused(tmp_path: Path, keys: dict[str, Any], message: str) -> None:
    assert messages(tmp_path, **keys) == [message]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["CMD-SHELL", "exit 0"], "remove 'CMD-SHELL', which Slipway adds: write [sh, -c, 'exit 0']"),
        (["CMD", "ping"], "remove 'CMD', which Slipway adds: write [program, argument]"),
        (["python check.py"], "got one word with spaces; write [python, check.py], or [sh, -c, 'python check.py']"),
        (
            ["celery", "inspect", "ping", "-d", "celery@$HOSTNAME"],
            'no shell replaces the variable in it; write [sh, -c, "celery inspect ping -d celery@$HOSTNAME"]',
        ),
    ],
)
@pytest.mark.parametrize("short", [True, False])
def test_a_command_that_can_never_succeed_is_refused(
    tmp_path: Path, command: list[str], message: str, *, short: bool
) -> None:
    keys = {"health_command": command} if short else {"health_check": {"command": command}}

    assert messages(tmp_path, **keys) == [f"{'health_command' if short else 'health_check.command'}: {message}"]


@pytest.mark.parametrize("command", [["sh", "-c", PING], ["python", "-c", "print('$HOME')"], ["/healthy"]])
def test_a_command_that_may_succeed_is_accepted(tmp_path: Path, command: list[str]) -> None:
    assert messages(tmp_path, health_command=command) == []
