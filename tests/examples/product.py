"""Runs the example product and its PostgreSQL and Redis in containers, and gives tests access to them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from paths import ROOT

HERE = Path(__file__).resolve().parent
ALLTHRIVE = ROOT / "examples" / "allthrive"
BASE_IMAGES = ["python:3.13-slim", "postgres:18-alpine", "redis:7-alpine", "nginx:alpine"]
IMAGE = "allthrive-example:tests"
DIGEST = "sha256:" + "ab" * 32
PASSWORD = "p@ss/w:rd"
TOKEN = "token/with@signs"
DATABASE_URL = "postgresql://app:p%40ss%2Fw%3Ard@postgres:5432/allthrive?sslmode=require"
WORKER = ["celery", "-A", "config", "worker", "--loglevel", "info"]
BEAT = ["celery", "-A", "config", "beat", "--loglevel", "info", "--schedule", "/tmp/celerybeat-schedule", "--pidfile="]


def run(*command: str, cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    """Runs a program and returns its standard output; if it fails, the error shows all of its output."""
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
    """Containers on a network of their own; `remove` removes all that were started."""

    name: str
    certificates: Path
    containers: dict[str, str] = field(default_factory=dict)

    def start(self, alias: str, *arguments: str) -> str:
        """Starts a container that the others reach as `alias`; returns its id."""
        container = docker("run", "--detach", "--network", self.name, "--network-alias", alias, *arguments)
        self.containers[alias] = container
        return container

    def start_backend(self, alias: str, *command: str, options: tuple[str, ...] = ()) -> str:
        """Starts the product's image as ECS does: read-only, only /tmp is writable."""
        return self.start(alias, *self._as_in_production(), *options, IMAGE, *command)

    def manage(self, *command: str, options: tuple[str, ...] = ()) -> str:
        """Runs a management command in a container of its own, as the migration task does; returns its output."""
        return docker(*self.manage_command(*command, options=options)[1:])

    def manage_command(self, *command: str, options: tuple[str, ...] = ()) -> list[str]:
        """Returns the command line that runs a management command."""
        own = ["docker", "run", "--rm", "--network", self.name, *self._as_in_production(), *options]
        return [*own, IMAGE, "python", "manage.py", *command]

    def database(self, name: str) -> tuple[str, ...]:
        """Creates another migrated database; returns the options of a container that uses it."""
        if not self.sql("SELECT count(*) FROM pg_database WHERE datname = 'migrated'"):
            self.sql("CREATE DATABASE migrated")
            self.manage("migrate", "--verbosity", "0", options=self.options_for("migrated"))
        self.sql(f"CREATE DATABASE {name} TEMPLATE migrated")
        return self.options_for(name)

    def options_for(self, database: str) -> tuple[str, ...]:
        """Returns the options of a container that uses another database."""
        return ("--env", "DATABASE_URL=" + DATABASE_URL.replace("/allthrive?", f"/{database}?"))

    def connect(self, database: str = "allthrive") -> Any:
        """Returns a connection of the test's own, in autocommit mode."""
        host, _, port = docker("port", self.containers["postgres"], "5432/tcp").splitlines()[0].partition(":")
        connection = psycopg2.connect(
            host=host, port=port, user="app", password=PASSWORD, dbname=database, sslmode="require", connect_timeout=5
        )
        connection.autocommit = True
        return connection

    def sql(self, statement: str, database: str = "allthrive") -> Any:
        """Runs a statement; returns the first value of its result, if there is one."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    def redis(self, *command: str) -> str:
        """Runs a Redis command and returns its output; tests wait by blocking commands."""
        tls = ["--tls", "--cacert", "/tls/cert.pem", "--sni", "redis", "--no-auth-warning", "-a", TOKEN]
        return docker("exec", self.containers["redis"], "redis-cli", *tls, *command)

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", *self.containers.values())
        docker("network", "rm", self.name)

    def _as_in_production(self) -> list[str]:
        variables = {
            "SECRET_KEY": "a key for tests only, long enough for Django's own checks",
            "DATABASE_URL": DATABASE_URL,
            "REDIS_HOST": "redis",
            "REDIS_AUTH_TOKEN": TOKEN,
            "REDIS_CA_FILE": "/tls/cert.pem",
            "RELEASE_VERSION": "4.5.6",
            "RELEASE_IMAGE": f"registry.example/allthrive/backend@{DIGEST}",
        }
        environment = [argument for name, value in variables.items() for argument in ("--env", f"{name}={value}")]
        return ["--read-only", "--tmpfs", "/tmp", "--volume", f"{self.certificates}:/tls:ro", *environment]


def eventually(what: str, seconds: float, attempt: Any) -> Any:
    """Repeats an attempt until its result is true, and returns it; an attempt may also raise until then."""
    end, last = time.monotonic() + seconds, ""
    while time.monotonic() < end:
        try:
            answer = attempt()
        except Exception as error:  # noqa: BLE001 - any error is possible while the other process starts
            answer, last = None, f"; the last attempt raised {error!r}"
        if answer:
            return answer
        time.sleep(0.2)
    pytest.fail(f"not within {seconds:.0f} seconds: {what}{last}")


def get(address: str) -> tuple[int, str]:
    """Returns status and body of a response; the status is 0 if there is none."""
    try:
        with urllib.request.urlopen(address, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)
