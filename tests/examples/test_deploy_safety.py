"""The promises of docs/deploy-safety.md about migrations, workers and two releases, on a real PostgreSQL and Redis."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.examples.product import HERE, WORKER, Stack, docker, eventually, run

pytestmark = [pytest.mark.docker, pytest.mark.slow]

LOCK_TIMEOUT = 2.0  # seconds: config/environment.py
QUICK = ("--env", "MIGRATION_PAUSE_SECONDS=0.5", "--env", "MIGRATION_PATIENCE_SECONDS=60")
HEAD = """
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_catalog")]
"""
COLUMN = "migrations.AddField('topic', 'rank', models.IntegerField({}))"


@dataclass
class Release:
    """The next release: the image with one more migration, and a database of its own."""

    stack: Stack
    folder: Path
    name: str = field(default_factory=lambda: f"d{uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.before = (*self.stack.database(self.name), *QUICK)

    def migration(self, *operations: str, atomic: bool = True) -> tuple[str, ...]:
        """Writes the migration; returns the options of a container that has it."""
        file = self.folder / "0002_next.py"
        file.write_text(HEAD + f"    atomic = {atomic}\n    operations = [{', '.join(operations)}]\n")
        return (*self.before, "--volume", f"{file}:/app/catalog/migrations/{file.name}:ro")

    def start(self, options: tuple[str, ...], *more: str) -> subprocess.Popen[str]:
        words = self.stack.manage_command("migrate", *more, options=options)
        return subprocess.Popen(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def sql(self, statement: str) -> Any:
        return self.stack.sql(statement, self.name)

    @contextmanager
    def transaction(self, statement: str) -> Iterator[None]:
        """Keeps a transaction open, as a long report does, or a session that forgot to commit."""
        with closing(self.stack.connect(self.name)) as connection:
            connection.autocommit = False
            connection.cursor().execute(statement)
            yield
            connection.commit()

    def count(self, where: str) -> int:
        """Returns the number of sessions of this database that fulfil a condition."""
        return int(self.sql(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{self.name}' AND {where}"))


@pytest.fixture
def release(stack: Stack, tmp_path: Path) -> Release:
    return Release(stack, tmp_path)


@dataclass
class Reader:
    """Reads a table again and again, and records the longest time that a read took."""

    release: Release
    longest: float = 0.0
    reads: int = 0

    def __enter__(self) -> Reader:
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        return self

    def _read(self) -> None:
        with closing(self.release.stack.connect(self.release.name)) as connection, connection.cursor() as cursor:
            while not self._done.wait(0.02):
                began = time.monotonic()
                cursor.execute("SELECT count(*) FROM catalog_topic")
                self.longest = max(self.longest, time.monotonic() - began)
                self.reads += 1

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def test_a_migration_waits_for_a_long_transaction_without_blocking_readers_for_long(
    release: Release, record_property: Callable[[str, object], None]
) -> None:
    options = release.migration(COLUMN.format("db_default=0"))
    with Reader(release) as reader:
        with release.transaction("SELECT * FROM catalog_topic"):
            process = release.start(options)
            assert process.stdout is not None
            tries = 0
            for line in process.stdout:
                tries += "catalog.0002_next: a table is in use; next attempt in" in line
                if tries == 2:
                    break
            assert tries == 2
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert release.sql("SELECT count(*) FROM django_migrations WHERE name = '0002_next'") == 1
    record_property("longest read in seconds", round(reader.longest, 2))
    assert LOCK_TIMEOUT * 0.5 < reader.longest < LOCK_TIMEOUT + 1, f"{reader.reads} reads"


def test_without_lock_timeout_readers_wait_for_the_whole_transaction(release: Release) -> None:
    """Shows what the setting is for, and that the test above can fail."""
    url = next(option for option in release.before if option.startswith("DATABASE_URL="))
    options = (*release.migration(COLUMN.format("db_default=0")), "--env", f"{url}&options=-c%20lock_timeout%3D0")
    with Reader(release) as reader:
        with release.transaction("SELECT * FROM catalog_topic"):
            process = release.start(options)
            eventually("it waits for a lock", 30, lambda: release.count("wait_event_type = 'Lock'") == 2)
            blocked_since = time.monotonic()
            eventually("twice the time-out is over", 30, lambda: time.monotonic() - blocked_since > 2 * LOCK_TIMEOUT)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert reader.longest > 2 * LOCK_TIMEOUT


ONCE = (
    "migrations.RunSQL(\"INSERT INTO catalog_topic (slug, name, description) VALUES (md5(random()::text), 'x', 'x')\")"
)
GATE = "migrations.RunSQL('SET LOCAL lock_timeout = 0; SELECT pg_advisory_lock(42)')"


def output_until(process: subprocess.Popen[str], words: str) -> str:
    """Returns the output of a program up to a line with these words."""
    assert process.stdout is not None
    output = ""
    for line in process.stdout:
        output += line
        if words in line:
            return output
    pytest.fail(f"it never printed {words!r}: {output}")


def test_of_two_migrations_at_once_only_one_does_the_work(release: Release) -> None:
    options = release.migration(ONCE, GATE)
    with release.transaction("SELECT pg_advisory_lock(42)"):
        first = release.start(options)
        eventually("the first migration is in progress", 30, lambda: release.count("wait_event = 'advisory'") == 1)
        second = release.start(options)
        output_until(second, "Another process migrates this database; waiting for it.")
    outputs = [process.communicate(timeout=60)[0] for process in (first, second)]

    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert "No migrations to apply." in outputs[1]
    assert release.sql("SELECT count(*) FROM catalog_topic") == 1


def test_a_migration_that_waits_for_another_does_not_block_a_concurrent_index_build(
    release: Release,
) -> None:
    # As the migrations build advises: building the index blocks nobody while it waits, but a timeout leaves it invalid.
    index = "AddIndexConcurrently('topic', models.Index(fields=['name'], name='topic_name'))"
    before, after = (f"migrations.RunSQL('{sql}')" for sql in ("SET lock_timeout = 0", "RESET lock_timeout"))
    options = release.migration(before, index, after, atomic=False)
    with release.transaction("LOCK TABLE catalog_topic IN ROW EXCLUSIVE MODE"):
        first = release.start(options)
        building = "query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock'"
        eventually("the index waits for the transaction", 30, lambda: release.count(building) == 1)
        second = release.start(options)
        output_until(second, "Another process migrates this database")
    outputs = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert release.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'topic_name'::regclass") is True


def test_a_migration_that_waits_too_long_for_another_says_how_to_find_it(release: Release) -> None:
    key = release.stack.manage("shell", "--command", "from config.migration_lock import KEY; print(KEY)")
    with release.transaction(f"SELECT pg_advisory_lock({key.splitlines()[-1]})"):
        process = release.start((*release.before, "--env", "MIGRATION_PATIENCE_SECONDS=0"))
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "another process still migrates this database. Find it: SELECT pid" in output
    assert "Traceback" not in output
    query = output.partition("Find it: ")[2].partition(";")[0]
    assert release.sql(query) is None  # the other process has ended, but the query must be valid


def previous_release_passes_its_tests(release: Release, options: tuple[str, ...]) -> tuple[bool, str]:
    """Migrates with the next release, then runs the tests of the previous release on that schema."""
    tests = release.stack.database(f"test_{release.name}")
    release.stack.manage("migrate", "--verbosity", "0", options=(*options, *tests))
    redis = ("--env", "REDIS_HOST=" + redis_without_a_password(release.stack), "--env", "REDIS_TLS=false")
    words = release.stack.manage_command(
        "test", "--keepdb", "--noinput", "catalog", "api", options=(*release.before, *redis)
    )
    done = subprocess.run(words, text=True, capture_output=True, check=False, timeout=120)
    return done.returncode == 0, done.stdout + done.stderr


def redis_without_a_password(stack: Stack) -> str:
    """Returns the host of a Redis that the product's tests may clear."""
    alias = "redis-of-previous"
    if alias not in stack.containers:
        stack.start(alias, "redis:7-alpine")
        eventually("Redis answers", 30, lambda: run("docker", "exec", stack.containers[alias], "redis-cli", "ping"))
    return alias


@pytest.mark.parametrize(
    ("operation", "passes"),
    [
        pytest.param(COLUMN.format("db_default=0"), True, id="a column with a default in the database"),
        pytest.param(COLUMN.format("default=0"), False, id="a column with a default in Python only"),
        pytest.param("migrations.RemoveField('topic', 'description')", False, id="a removed column"),
    ],
)
def test_the_previous_release_runs_on_the_next_schema_only_if_it_was_expanded(
    release: Release, operation: str, passes: bool
) -> None:
    succeeded, output = previous_release_passes_its_tests(release, release.migration(operation))
    assert succeeded is passes, output
    if not passes:
        assert "does not exist" in output or "violates not-null constraint" in output


def slow_worker(stack: Stack, alias: str, queue: str) -> str:
    """Starts a worker that runs slow_task.py from a queue; returns its container."""
    command = [*WORKER, "--include", "slow_task", "--queues", queue, "--concurrency", "1"]
    options = ("--no-healthcheck", "--env", "PYTHONPATH=/extra")
    return stack.start_backend(
        alias, *command, options=(*options, "--volume", f"{HERE / 'slow_task.py'}:/extra/slow_task.py:ro")
    )


def test_a_worker_told_to_stop_finishes_its_task_and_takes_no_other(stack: Stack) -> None:
    """SIGTERM: the task ends and is acknowledged. test_allthrive.py covers tasks that do not end in time."""
    queue = f"drain-{uuid4().hex[:8]}"
    worker = slow_worker(stack, queue, queue)
    for _ in range(2):
        docker("exec", worker, "celery", "-A", "config", "call", "slow_task.wait", "--queue", queue)
    assert "started" in stack.redis("BLPOP", "started", "30")

    docker("kill", "--signal", "TERM", worker)
    eventually("the worker reports that it stops", 30, lambda: "shutdown" in docker_logs(worker).lower())
    stack.redis("RPUSH", "may-end", "1")

    assert docker("wait", worker) == "0", docker_logs(worker)
    assert "ended" in stack.redis("BLPOP", "ended", "30")
    assert stack.redis("LLEN", queue) == "1"
    assert stack.redis("LLEN", "started") == "0"
    stack.redis("DEL", queue)


def docker_logs(container: str) -> str:
    done = subprocess.run(["docker", "logs", "--tail", "60", container], text=True, capture_output=True, check=True)
    return done.stdout + done.stderr
