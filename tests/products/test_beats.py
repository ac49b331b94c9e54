"""Whatever runs a scheduler twice at once is refused; what may be right is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from products.beats import of
from tests.support.manifests import REMOVED, complaints, manifest

SIZE = {"cpu": 256, "memory": 512}
BEAT = ["celery", "-A", "config", "beat"]
WORKER = ["celery", "-A", "config", "worker", "-B"]
TWICE = "and two of them start every job twice"
APART = "run beat in a service of its own with singleton: true, and remove it from this command"


def messages(folder: Path, changes: dict[str, Any]) -> list[str]:
    """Returns the loader's messages about AllThrive without its own beat, without the file's name and the lines."""
    given = json.loads(json.dumps(manifest({"services.celery-beat": REMOVED, **changes})))  # no YAML aliases
    lines = complaints(folder, yaml.safe_dump(given, sort_keys=False))
    return [line.partition(": ")[2] for line in lines]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (BEAT, "celery beat"),
        (["celery", "beat", "-A", "config"], "celery beat"),
        (["python", "-m", "celery", "-A", "config", "beat"], "celery beat"),
        (["/venv/bin/celery", "--app=config", "beat"], "celery beat"),
        (["sh", "-c", "python manage.py check && exec celery -A config beat"], "celery beat"),
        (["bash", "-lc", "DEBUG=0 celery -A config worker --beat"], "celery worker --beat"),
        (WORKER, "celery worker -B"),
        (["watchmedo", "auto-restart", "--", "celery", "-A", "config", "worker", "-B"], "celery worker -B"),
        (["/start-celerybeat"], "start-celerybeat"),
        (["python", "manage.py", "runapscheduler"], "runapscheduler"),
        (["supercronic", "/app/crontab"], "supercronic"),
        (["sh", "-c", "cron -f"], "cron"),
    ],
)
def test_a_scheduler_is_recognized_in_a_command(command: list[str], name: str) -> None:
    found = of(command)

    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "command",
    [
        None,
        ["gunicorn", "config.wsgi"],
        ["celery", "-A", "config", "worker", "-Q", "beat"],
        ["celery", "-A", "beat", "worker"],
        ["celery", "-A", "config", "worker", "-n", "beat@%h"],
        ["celery", "-A", "config", "flower"],
        ["celery", "-A", "config", "beat", "-S", "redbeat.RedBeatScheduler"],
        ["sh", "-c", "echo celery beat 'is elsewhere"],
        ["/start-celeryworker"],
        ["python", "cron.py"],
        ["python", "manage.py", "rqworker", "--with-scheduler"],
    ],
)
def test_a_command_that_may_run_twice_is_not_recognized(command: list[str] | None) -> None:
    assert of(command) is None


@pytest.mark.parametrize(
    ("service", "message"),
    [
        (
            {"command": WORKER, "count": 2},
            f"services.extra.count: got 2; the command runs celery worker -B, {TWICE}: {APART}",
        ),
        (
            {"command": WORKER, "scaling": {"maximum": 3, "cpu_percent": 50}},
            f"services.extra.scaling: the command runs celery worker -B, {TWICE}: {APART}",
        ),
        (
            {"command": ["sh", "-c", "celery -A config worker -B"], "count": 3},
            f"services.extra.count: got 3; the command runs celery worker -B, {TWICE}: {APART}",
        ),
        (
            {"command": BEAT},
            (
                f"services.extra.singleton: missing; the command runs celery beat, {TWICE}, even for a moment during a "
                "deployment: write singleton: true and count: 1"
            ),
        ),
        (
            {"command": ["/start-celerybeat"], "count": 2},
            (
                f"services.extra.singleton: missing; the command runs start-celerybeat, {TWICE}, even for a moment "
                "during a deployment: write singleton: true and count: 1"
            ),
        ),
        (
            {"command": ["supercronic", "/app/crontab"]},
            (
                f"services.extra.singleton: missing; the command runs supercronic, {TWICE}, even for a moment during a "
                "deployment: write singleton: true and count: 1"
            ),
        ),
    ],
)
def test_a_service_that_runs_its_scheduler_twice_is_refused(
    tmp_path: Path, service: dict[str, Any], message: str
) -> None:
    assert messages(tmp_path, {"services.extra": {"image": "backend", "size": SIZE, **service}}) == [message]


def test_an_environment_that_runs_it_twice_is_refused(tmp_path: Path) -> None:
    changes = {
        "services.extra": {"image": "backend", "size": SIZE, "command": WORKER},
        "environments.production.services": {"extra": {"count": 2}},
    }

    assert messages(tmp_path, changes) == [
        f"environments.production.services.extra.count: got 2; the command runs celery worker -B, {TWICE}: {APART}"
    ]


def test_the_second_service_with_the_same_scheduler_is_refused(tmp_path: Path) -> None:
    extra = {"image": "backend", "size": SIZE, "singleton": True}
    changes = {"services.one": {**extra, "command": BEAT}, "services.two": {**extra, "command": WORKER}}

    assert messages(tmp_path, changes) == [
        f"services.two.command: it runs celery worker -B, as 'one' does, {TWICE}; remove one of them"
    ]


def test_two_celery_apps_may_have_a_scheduler_each(tmp_path: Path) -> None:
    extra = {"image": "backend", "size": SIZE, "singleton": True}
    other = ["celery", "-A", "billing", "beat"]
    changes = {"services.one": {**extra, "command": BEAT}, "services.two": {**extra, "command": other}}

    assert messages(tmp_path, changes) == []


def test_one_worker_with_a_scheduler_and_a_singleton_are_accepted(tmp_path: Path) -> None:
    extra = {"image": "backend", "size": SIZE}

    assert messages(tmp_path, {"services.extra": {**extra, "command": WORKER}}) == []
    assert messages(tmp_path, {"services.extra": {**extra, "command": BEAT, "singleton": True}}) == []


def test_a_scheduler_as_a_scheduled_task_is_refused(tmp_path: Path) -> None:
    schedule = {"image": "backend", "size": SIZE, "command": BEAT, "rate": "5 minutes"}

    assert messages(tmp_path, {"schedules": {"beat": schedule}}) == [
        (
            "schedules.beat.command: celery beat never ends, so each run would start another one; make it a service "
            "with singleton: true"
        )
    ]
