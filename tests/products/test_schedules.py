"""Scheduled tasks in the manifest: times, names, and what they need of the rest of the product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.manifests import complaints, manifest, product

CLEAR: dict[str, Any] = {
    "image": "backend",
    "command": ["python", "manage.py", "clearsessions"],
    "cron": "0 3 * * *",
    "size": {"cpu": 256, "memory": 512},
}


def messages(folder: Path, name: str = "clear", **keys: Any) -> list[str]:
    """Returns the loader's messages about AllThrive with a schedule, without the file's name and the lines."""
    schedule = {key: value for key, value in {**CLEAR, **keys}.items() if value is not None}
    lines = complaints(folder, yaml.safe_dump(manifest({"schedules": {name: schedule}}), sort_keys=False))
    return [line.partition(": ")[2] for line in lines]


def test_a_schedule_has_eventbridges_expression() -> None:
    found = product({"schedules": {"clear": CLEAR, "often": {**CLEAR, "cron": None, "rate": "5 minutes"}}}).schedules

    assert {name: schedule.expression for name, schedule in found.items()} == {
        "clear": "cron(0 3 * * ? *)",
        "often": "rate(5 minutes)",
    }


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"cron": None}, "schedules.clear.cron: write either cron, e.g. 0 3 * * *, or rate, e.g. 15 minutes"),
        ({"rate": "1 hour"}, "schedules.clear.cron: write either cron, e.g. 0 3 * * *, or rate, e.g. 15 minutes"),
        (
            {"cron": "0 3 * * 8"},
            "schedules.clear.cron: the day of week has '8'; write 0 to 7, *, a range, a step or a list",
        ),
        (
            {"cron": None, "rate": "1 week"},
            "schedules.clear.rate: got '1 week'; write a number of minutes, hours or days, e.g. 15 minutes",
        ),
        (
            {"timezone": "Europe/Berln"},
            "schedules.clear.timezone: no time zone 'Europe/Berln'; did you mean 'Europe/Berlin'?",
        ),
        (
            {"cron": None, "rate": "1 hour", "timezone": "Europe/Berlin"},
            "schedules.clear.timezone: a rate has none; remove timezone, or write cron instead of rate",
        ),
        ({"image": "backnd"}, "schedules.clear.image: no image 'backnd' under images; did you mean 'backend'?"),
        (
            {"command": "clearsessions"},
            "schedules.clear.command: expected a list, got 'clearsessions'; put it in brackets",
        ),
        ({"user": "root"}, "schedules.clear.user: got 'root'; write it like \"10001\""),
    ],
)
def test_a_schedule_that_cannot_run_is_refused(tmp_path: Path, keys: dict[str, Any], message: str) -> None:
    assert messages(tmp_path, **keys) == [message]


def test_several_mistakes_are_reported_together(tmp_path: Path) -> None:
    assert len(messages(tmp_path, cron="x", timezone="Mars")) == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("web", "a service has this name, and both would have the same log group; give the schedule another"),
        ("migrate", "the name is reserved for a part of the environment; give the schedule another"),
        ("web-task", "the name is reserved for a part of the environment; give the schedule another"),
        ("schedules", "the name is reserved for a part of the environment; give the schedule another"),
    ],
)
def test_a_name_that_something_else_has_is_refused(tmp_path: Path, name: str, message: str) -> None:
    assert messages(tmp_path, name) == [f"schedules.{name}: {message}"]


def test_a_schedule_that_calls_the_internet_needs_nat(tmp_path: Path) -> None:
    data = manifest({"schedules": {"clear": {**CLEAR, "internet": True}}})
    for service in data["services"].values():
        service.pop("internet", None)
    data["environments"]["staging"]["network"] = {"cidr": "10.10.0.0/16", "nat": "none"}

    assert [line.partition(": ")[2] for line in complaints(tmp_path, yaml.safe_dump(data, sort_keys=False))] == [
        (
            "environments.staging.network.nat: got none, but these need the internet: clear "
            "(schedules.clear.internet: true); write nat: instance (cheapest) or nat: gateway"
        )
    ]


def test_a_schedule_has_the_only_image_of_the_product() -> None:
    without = {key: value for key, value in CLEAR.items() if key != "image"}

    assert product({"schedules": {"clear": without}}).schedules["clear"].image == "backend"
