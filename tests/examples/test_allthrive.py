"""The example product, built and run as its documents say: one image, an encrypted database and cache, one origin."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

pytestmark = [pytest.mark.docker, pytest.mark.slow]

HERE = Path(__file__).resolve().parent
ALLTHRIVE = HERE.parent.parent / "examples" / "allthrive"
BASE_IMAGES = ["python:3.13-slim", "postgres:18-alpine", "redis:7-alpine", "nginx:alpine"]
IMAGE = "allthrive-example:tests"
DIGEST = "sha256:" + "ab" * 32
PASSWORD = "p@ss/w:rd"
TOKEN = "token/with@signs"
SEEDS = ["seed_topics", "seed_taxonomies", "seed_categories", "seed_tools", "seed_quizzes"]
WORKER = ["celery", "-A", "config", "worker", "--loglevel", "info"]
BEAT = ["celery", "-A", "config", "beat", "--loglevel", "info", "--schedule", "/tmp/celerybeat-schedule", "--pidfile="]


def run(*command: str, cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    """Return what a program printed; a failure shows all of it."""
    finished = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(environment or {})}, text=True, capture_output=True, check=False
    )
    output = finished.stdout + finished.stderr
    assert finished.returncode == 0, f"{' '.join(command)} ended with {finished.returncode}:\n{output}"
    return finished.stdout.strip()


def docker(*arguments: str) -> str:
    return run("docker", *arguments)


def succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def reason_to_skip() -> str | None:
    if shutil.which("docker") is None or not succeeds("docker", "info"):
        return "no Docker daemon answers"
    missing = [image for image in BASE_IMAGES if not succeeds("docker", "image", "inspect", image)]
    return f"base images missing: {', '.join(missing)}" if missing else None


@dataclass
class Stack:
    """Containers on a network of their own; what was started here is removed here."""

    name: str
    certificates: Path
    containers: dict[str, str] = field(default_factory=dict)

    def start(self, alias: str, *arguments: str) -> str:
        """Start a container that the others know as `alias`; return its id."""
        container = docker("run", "--detach", "--network", self.name, "--network-alias", alias, *arguments)
        self.containers[alias] = container
        return container

    def start_backend(self, alias: str, *command: str, options: tuple[str, ...] = ()) -> str:
        """Start the product's image the way ECS does: read-only, with nothing writable but /tmp."""
        return self.start(alias, *self._as_in_production(), *options, IMAGE, *command)

    def manage(self, *command: str) -> str:
        """Run a management command in a container of its own, as the migration task does."""
        return docker(
            "run", "--rm", "--network", self.name, *self._as_in_production(), IMAGE, "python", "manage.py", *command
        )

    def redis(self, *command: str) -> str:
        """Ask Redis; a blocking command is how a test waits."""
        tls = ["--tls", "--cacert", "/tls/cert.pem", "--sni", "redis", "--no-auth-warning", "-a", TOKEN]
        return docker("exec", self.containers["redis"], "redis-cli", *tls, *command)

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", *self.containers.values())
        docker("network", "rm", self.name)

    def _as_in_production(self) -> list[str]:
        variables = {
            "SECRET_KEY": "a key for tests only, long enough for Django's own checks",
            "DATABASE_URL": "postgresql://app:p%40ss%2Fw%3Ard@postgres:5432/allthrive?sslmode=require",
            "REDIS_HOST": "redis",
            "REDIS_AUTH_TOKEN": TOKEN,
            "REDIS_CA_FILE": "/tls/cert.pem",
            "RELEASE_VERSION": "4.5.6",
            "RELEASE_IMAGE": f"registry.example/allthrive/backend@{DIGEST}",
        }
        environment = [argument for name, value in variables.items() for argument in ("--env", f"{name}={value}")]
        return ["--read-only", "--tmpfs", "/tmp", "--volume", f"{self.certificates}:/tls:ro", *environment]


def eventually(what: str, seconds: float, attempt: Any) -> Any:
    """Ask until the answer is true; another process decides when."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = attempt()
        if answer:
            return answer
        time.sleep(0.2)
    pytest.fail(f"not within {seconds:.0f} seconds: {what}")


def get(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


@pytest.fixture(scope="module")
def image() -> str:
    """Build the image with the builder that every Docker has, offline from everything but the package index."""
    if reason := reason_to_skip():
        pytest.skip(reason)
    run(
        *("docker", "build", "--quiet", "--file", "Dockerfile.prod", "--tag", IMAGE),
        *("--build-arg", "RDS_CA_BUNDLE_URL=", "."),
        cwd=ALLTHRIVE / "backend",
        environment={"DOCKER_BUILDKIT": "0"},
    )
    return IMAGE


@pytest.fixture(scope="module")
def stack(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start an empty, migrated database and an empty cache, both with TLS and a password."""
    certificates = tmp_path_factory.mktemp("tls")
    run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=allthrive"),
        *("-addext", "subjectAltName=DNS:redis,DNS:postgres", "-keyout", "key.pem", "-out", "cert.pem"),
        cwd=certificates,
    )
    certificates.chmod(0o755)
    (certificates / "key.pem").chmod(0o644)
    stack = Stack(f"allthrive-test-{uuid4().hex[:8]}", certificates)
    docker("network", "create", stack.name)
    try:
        stack.start(
            "postgres",
            *("--volume", f"{certificates}:/tls:ro", "--entrypoint", "sh"),
            *("--env", "POSTGRES_USER=app", "--env", f"POSTGRES_PASSWORD={PASSWORD}", "--env", "POSTGRES_DB=allthrive"),
            *("postgres:18-alpine", "-c"),
            # PostgreSQL refuses a key that others could read.
            "install -o postgres -m 600 /tls/key.pem /tmp/key.pem && exec docker-entrypoint.sh postgres"
            " -c ssl=on -c ssl_cert_file=/tls/cert.pem -c ssl_key_file=/tmp/key.pem",
        )
        stack.start(
            "redis",
            *("--volume", f"{certificates}:/tls:ro", "redis:7-alpine", "redis-server", "--port", "0"),
            *("--tls-port", "6379", "--tls-cert-file", "/tls/cert.pem", "--tls-key-file", "/tls/key.pem"),
            *("--tls-ca-cert-file", "/tls/cert.pem", "--tls-auth-clients", "no", "--requirepass", TOKEN),
        )
        eventually("PostgreSQL accepts connections", 60, lambda: migrated(stack))
        yield stack
    finally:
        stack.remove()


def migrated(stack: Stack) -> bool:
    """Migrate, or see that the database is not there yet; any other trouble fails at once."""
    try:
        stack.manage("migrate", "--verbosity", "0")
    except AssertionError as error:
        if "connection failed" not in str(error):
            raise
        return False
    return True


@pytest.fixture(scope="module")
def site(stack: Stack) -> str:
    """Start web, worker, beat and a front that serves page and API on one origin; return its address."""
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
    """Install what the lock file names, once."""
    if not (folder / "node_modules").exists():
        run("npm", "ci", "--no-audit", "--no-fund", cwd=folder)


def test_the_image_runs_its_command_as_a_user_without_rights(image: str) -> None:
    config = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", image))
    assert config["User"] == "10001"
    assert config["Cmd"] == ["daphne", "-b", "0.0.0.0", "-p", "8000", "config.asgi:application"]


def test_the_image_cannot_install_anything(image: str) -> None:
    assert (
        docker("run", "--rm", image, "python", "-c", "import importlib.util as u; print(u.find_spec('pip'))") == "None"
    )


def test_the_backend_passes_its_own_tests_inside_the_image(stack: Stack) -> None:
    # A Redis of its own: these tests take the lease that the running beat holds.
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


def test_the_status_names_the_release_and_sees_every_part_work(site: str) -> None:
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


def test_a_stopped_worker_puts_its_unfinished_task_back_and_another_finishes_it(stack: Stack) -> None:
    """Uses a queue of its own, since the site's worker does not know this task."""
    slow_worker = [*WORKER, "--include", "slow_task", "--queues", "slow"]
    options = (
        *("--no-healthcheck", "--env", "WORKER_SOFT_SHUTDOWN_SECONDS=1", "--env", "PYTHONPATH=/extra"),
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


@pytest.mark.parametrize("check", ["lint", "typecheck", "test"])
def test_the_frontend_passes_its_own(check: str) -> None:
    if shutil.which("npm") is None:
        pytest.skip("no npm")
    install(ALLTHRIVE / "frontend")
    run("npm", "run", check, cwd=ALLTHRIVE / "frontend")
