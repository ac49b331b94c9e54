"""Migrations run once, on the first host; verification compares what every host reports with the release."""

from __future__ import annotations

from typing import Any

import pytest

from deploy_hosts import handler
from tests.support.fake_hosts import EDGE
from tests.support.host_releases import NEW, RECORD, deployment, first, released, run


def test_migrations_run_once_on_the_first_host() -> None:
    action = run(deployment(step="migrate"))

    assert (action.status, action.sent()) == ("Succeeded", [("migrate", "host-1")])
    assert action.objects["current.json"] == action.old
    assert action.objects[f"releases/{NEW}.json"] == RECORD


def test_a_migration_that_fails_shows_the_end_of_its_output() -> None:
    action = deployment(step="migrate")
    first(action).fails = "restored"

    run(action)

    assert action.status == "Failed"
    assert "the migrations of 1.1.0 failed on host-1 (i-00000000000000001)" in action.message
    assert "no such table" in action.message


def test_a_migration_that_hangs_is_cancelled() -> None:
    action = deployment(step="migrate")
    first(action).fails = "hangs"

    run(action)

    assert "The migration was cancelled: check what it left half done" in action.message
    assert [command.cancelled for command in action.commands.values()] == [True]


def test_a_release_that_all_hosts_run_is_verified() -> None:
    action = run(released(deployment(step="verify")))

    assert (action.status, len(action.commands)) == ("Succeeded", 1)
    assert action.summary == "2 of 2 hosts run 1.1.0, and nothing else"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"release": "0" * 64, "version": "1.0.0"}, "host-1 (i-00000000000000001) runs the release 1.0.0"),
        ({"state": "failed"}, "is failed: a container is not healthy, or runs another image"),
        ({"images": {"web": "sha256:" + "a" * 64}}, "runs none of the images of the release"),
        ({"images": None}, "runs none of the images of the release"),
    ],
)
def test_hosts_that_report_something_else_are_a_failure(wrong: dict[str, Any], message: str) -> None:
    action = released(deployment(step="verify"))
    action.wrong = wrong

    run(action)

    assert (action.status, len(action.commands)) == ("Failed", 3)
    assert message in action.message


def test_the_product_at_its_own_address_must_report_the_release_too(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def page(url: str, version: str, digests: set[str]) -> str | None:
        asked.append(f"{url} {version} {' '.join(digests)}")
        return "it reports version 1.0.0" if len(asked) == 1 else None

    monkeypatch.setattr(handler, "other_release", page)

    action = run(released(deployment(step="verify", edge=EDGE, path="/api/v1/status/")))

    assert asked == [f"https://staging.example.com/api/v1/status/ 1.1.0 sha256:{'b' * 64}"] * 2
    assert (action.status, action.variables) == ("Succeeded", {"Url": "https://staging.example.com"})


def test_a_host_that_is_only_starting_again_is_asked_again() -> None:
    action = released(deployment(step="verify"))
    action.wrong = {"state": "failed"}
    action.before = lambda _: action.wrong.clear() if len(action.commands) > 1 else None

    assert run(action).status == "Succeeded"
