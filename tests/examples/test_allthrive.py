"""The example product, built and run as in production: one image, TLS to database and cache, one origin."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.examples.product import ALLTHRIVE, BEAT, DIGEST, HERE, IMAGE, WORKER, Stack, docker, eventually, get, run

pytestmark = [pytest.mark.docker, pytest.mark.slow]
# Marks what the builds of a pushed commit do too: tests/end_to_end/allthrive/test_push.py.
REPEATED = pytest.mark.long

SEEDS = ["seed_topics", "seed_taxonomies", "seed_categories", "seed_tools", "seed_quizzes"]


@pytest.fixture(scope="module")
def site(stack: Stack) -> str:
    """Starts web, worker, beat, and nginx that serves page and API on one origin; returns its URL."""
    frontend = ALLTHRIVE / "frontend"
    install(frontend)
    run("npm", "run", "build", cwd=frontend)
    web = stack.start_backend("web")
    eventually("the web container is healthy", 60, lambda: health(web) == "healthy")
    for alias, command in (("celery", WORKER), ("celery-beat", BEAT)):
        stack.start_backend(alias, *command, options=("--no-healthcheck",))
    front = stack.start(
        "front",
        *("--publish", "127.0.0.1::80"),
        *("--volume", f"{frontend / 'dist'}:/site:ro"),
        *("--volume", f"{ALLTHRIVE / 'e2e' / 'nginx.conf'}:/etc/nginx/conf.d/default.conf:ro"),
        "nginx:alpine",
    )
    address = f"http://{docker('port', front, '80/tcp').splitlines()[0]}"
    eventually("the front answers", 30, lambda: get(f"{address}/robots.txt")[0] == 200)
    return address


def health(container: str) -> str:
    return docker("inspect", "--format", "{{.State.Health.Status}}", container)


def install(folder: Path) -> None:
    """Installs the packages of the lock file, unless they are installed."""
    if not (folder / "node_modules").exists():
        run("npm", "ci", "--no-audit", "--no-fund", cwd=folder)


def test_the_image_does_not_run_as_root(image: str) -> None:
    config = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", image))
    assert config["User"] == "10001"
    assert config["Cmd"] == ["daphne", "-b", "0.0.0.0", "-p", "8000", "config.asgi:application"]


def test_the_image_cannot_install_anything(image: str) -> None:
    assert (
        docker("run", "--rm", image, "python", "-c", "import importlib.util as u; print(u.find_spec('pip'))") == "None"
    )


@REPEATED
def test_the_backend_passes_its_own_tests_inside_the_image(stack: Stack) -> None:
    # A Redis of its own, since these tests take the lease that the running beat holds.
    stack.start("redis-of-the-tests", "redis:7-alpine")
    docker(
        *("run", "--rm", "--network", stack.name, "--tmpfs", "/tmp", "--env", "SECRET_KEY=tests"),
        *("--env", "DATABASE_URL=postgresql://app:p%40ss%2Fw%3Ard@postgres:5432/allthrive"),
        *("--env", "REDIS_HOST=redis-of-the-tests", "--env", "REDIS_TLS=false"),
        *(IMAGE, "python", "manage.py", "test", "--noinput"),
    )


def test_seeding_twice_leaves_what_seeding_once_made(stack: Stack, site: str) -> None:
    for command in SEEDS:
        stack.manage(command)
    seeded = get(f"{site}/api/v1/topics/")
    for command in SEEDS:
        assert ": 0 created" in stack.manage(command)
    assert get(f"{site}/api/v1/topics/") == seeded
    assert len(json.loads(seeded[1])["topics"]) == 6


def test_the_status_names_the_release_and_every_part_works(site: str) -> None:
    def status() -> Any:
        body = json.loads(get(f"{site}/api/v1/status/")[1])
        return body if body["worker"]["ok"] else None

    body = eventually("beat and worker leave a heartbeat", 60, status)
    assert (body["version"], body["image_digest"]) == ("4.5.6", DIGEST)
    assert body["database"]["migrations"]["pending"] == 0
    assert body["ok"]


def test_static_files_carry_their_content_in_their_name(site: str) -> None:
    _, page = get(f"{site}/admin/login/")
    stylesheet = page.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
    assert stylesheet.startswith("/static/admin/css/base.")
    assert stylesheet != "/static/admin/css/base.css"
    assert get(site + stylesheet)[0] == 200


def test_a_stopped_worker_returns_its_unfinished_task_and_another_finishes_it(stack: Stack) -> None:
    """Uses a queue of its own, since the site's worker does not know this task."""
    slow_worker = [*WORKER, "--include", "slow_task", "--queues", "slow"]
    options = (
        *("--no-healthcheck", "--env", "REMAP_SIGTERM=SIGQUIT", "--env", "WORKER_SOFT_SHUTDOWN_SECONDS=1"),
        *("--env", "PYTHONPATH=/extra"),
        *("--volume", f"{HERE / 'slow_task.py'}:/extra/slow_task.py:ro"),
    )
    first = stack.start_backend("first-slow-worker", *slow_worker, options=options)
    docker("exec", first, "celery", "-A", "config", "call", "slow_task.wait", "--queue", "slow")
    assert "started" in stack.redis("BLPOP", "started", "30")

    docker("stop", "--time", "30", first)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", first) == "0", docker("logs", "--tail", "30", first)
    assert stack.redis("LLEN", "slow") == "1"

    stack.start_backend("second-slow-worker", *slow_worker, options=options)
    assert "started" in stack.redis("BLPOP", "started", "30")
    stack.redis("RPUSH", "may-end", "1")
    assert "ended" in stack.redis("BLPOP", "ended", "30")


def test_a_stopped_beat_gives_its_lease_to_the_next(stack: Stack, site: str) -> None:
    beat = stack.containers["celery-beat"]
    eventually("beat holds its lease", 30, lambda: stack.redis("EXISTS", "beat-lease") == "1")
    docker("stop", "--time", "30", beat)
    assert stack.redis("EXISTS", "beat-lease") == "0", docker("logs", "--tail", "30", beat)
    docker("start", beat)


@REPEATED
@pytest.mark.browser
def test_the_end_to_end_tests_pass_in_a_real_browser(stack: Stack, site: str) -> None:
    chromium = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium: set CHROMIUM_PATH")
    install(ALLTHRIVE / "e2e")
    stack.manage("seed_topics")
    run(
        "npm",
        "test",
        cwd=ALLTHRIVE / "e2e",
        environment={"BASE_URL": site, "CHROMIUM_PATH": chromium, "EXPECTED_VERSION": "4.5.6"},
    )


@REPEATED
@pytest.mark.parametrize("check", ["lint", "typecheck", "test"])
def test_the_frontend_passes_its_own_checks(check: str) -> None:
    if shutil.which("npm") is None:
        pytest.skip("no npm")
    install(ALLTHRIVE / "frontend")
    run("npm", "run", check, cwd=ALLTHRIVE / "frontend")
