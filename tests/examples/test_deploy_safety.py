"""What docs/deploy-safety.md promises, on a real PostgreSQL and Redis: migrations, workers, two releases."""

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
    """The image with one migration more, on a database of its own."""

    stack: Stack
    folder: Path
    name: str = field(default_factory=lambda: f"d{uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.before = (*self.stack.database(self.name), *QUICK)

    def migration(self, *operations: str, atomic: bool = True) -> tuple[str, ...]:
        """Write the migration; the options of a container that has it."""
        file = self.folder / "0002_next.py"
        file.write_text(HEAD + f"    atomic = {atomic}\n    operations = [{', '.join(operations)}]\n")
        return (*self.before, "--volume", f"{file}:/app/catalog/migrations/{file.name}:ro")

    def start(self, options: tuple[str, ...], *more: str) -> subprocess.Popen[str]:
        words = self.stack.managing("migrate", *more, options=options)
        return subprocess.Popen(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def sql(self, statement: str) -> Any:
        return self.stack.sql(statement, self.name)

    @contextmanager
    def transaction(self, statement: str) -> Iterator[None]:
        """A transaction that stays open: who reports for minutes, or forgot to commit."""
        with closing(self.stack.connect(self.name)) as connection:
            connection.autocommit = False
            connection.cursor().execute(statement)
            yield
            connection.commit()

    def count(self, where: str) -> int:
        """How many sessions of this database are like that."""
        return int(self.sql(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{self.name}' AND {where}"))


@pytest.fixture
def release(stack: Stack, tmp_path: Path) -> Release:
    return Release(stack, tmp_path)


@dataclass
class Reader:
    """Reads a table again and again, and knows the longest that one read took."""

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


def test_a_migration_waits_for_a_long_transaction_without_blocking_readers(
    release: Release, record_property: Callable[[str, object], None]
) -> None:
    options = release.migration(COLUMN.format("db_default=0"))
    with Reader(release) as reader:
        with release.transaction("SELECT * FROM catalog_topic"):
            process = release.start(options)
            assert process.stdout is not None
            tries = 0
            for line in process.stdout:
                tries += "catalog.0002_next: a table is in use; readers first" in line
                if tries == 2:
                    break
            assert tries == 2
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert release.sql("SELECT count(*) FROM django_migrations WHERE name = '0002_next'") == 1
    record_property("longest read in seconds", round(reader.longest, 2))
    assert LOCK_TIMEOUT * 0.5 < reader.longest < LOCK_TIMEOUT + 1, f"{reader.reads} reads"


def test_without_lock_timeout_readers_wait_for_the_whole_transaction(release: Release) -> None:
    """What the setting is for; and the proof that the test above can fail."""
    url = next(each for each in release.before if each.startswith("DATABASE_URL="))
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


def said_until(process: subprocess.Popen[str], words: str) -> str:
    """What a program says up to a line with these words."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    pytest.fail(f"it never said {words!r}: {said}")


def test_of_two_migrations_at_once_only_one_does_the_work(release: Release) -> None:
    options = release.migration(ONCE, GATE)
    with release.transaction("SELECT pg_advisory_lock(42)"):
        first = release.start(options)
        eventually("the first one is inside", 30, lambda: release.count("wait_event = 'advisory'") == 1)
        second = release.start(options)
        said_until(second, "Another process migrates this database; waiting for it.")
    said = [process.communicate(timeout=60)[0] for process in (first, second)]

    assert [first.returncode, second.returncode] == [0, 0], said
    assert "No migrations to apply." in said[1]
    assert release.sql("SELECT count(*) FROM catalog_topic") == 1


def test_a_migration_that_waits_for_another_does_not_block_a_concurrent_index_build(
    release: Release,
) -> None:
    # As the lint tells to write it: a build that waits blocks nobody, and one that times out leaves half an index.
    index = "AddIndexConcurrently('topic', models.Index(fields=['name'], name='topic_name'))"
    before, after = (f"migrations.RunSQL('{each}')" for each in ("SET lock_timeout = 0", "RESET lock_timeout"))
    options = release.migration(before, index, after, atomic=False)
    with release.transaction("LOCK TABLE catalog_topic IN ROW EXCLUSIVE MODE"):
        first = release.start(options)
        building = "query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock'"
        eventually("the index waits for the transaction", 30, lambda: release.count(building) == 1)
        second = release.start(options)
        said_until(second, "Another process migrates this database")
    said = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    assert release.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'topic_name'::regclass") is True


def test_a_migration_that_waits_too_long_for_another_says_how_to_find_it(release: Release) -> None:
    key = release.stack.manage("shell", "--command", "from config.migration_lock import KEY; print(KEY)")
    with release.transaction(f"SELECT pg_advisory_lock({key.splitlines()[-1]})"):
        process = release.start((*release.before, "--env", "MIGRATION_PATIENCE_SECONDS=0"))
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "another process still migrates this database. Find it: SELECT pid" in said
    assert "Traceback" not in said
    question = said.partition("Find it: ")[2].partition(";")[0]
    assert release.sql(question) is None  # it is gone by now, and the question is one PostgreSQL understands


def previous_release_passes_its_tests(release: Release, options: tuple[str, ...]) -> tuple[bool, str]:
    """Migrate with the next release, then run the tests of the one before on that very schema."""
    tests = release.stack.database(f"test_{release.name}")
    release.stack.manage("migrate", "--verbosity", "0", options=(*options, *tests))
    redis = ("--env", "REDIS_HOST=" + redis_without_a_password(release.stack), "--env", "REDIS_TLS=false")
    words = release.stack.managing("test", "--keepdb", "--noinput", "catalog", "api", options=(*release.before, *redis))
    done = subprocess.run(words, text=True, capture_output=True, check=False, timeout=120)
    return done.returncode == 0, done.stdout + done.stderr


def redis_without_a_password(stack: Stack) -> str:
    """Where the product's tests may clear what they like."""
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
        pytest.param("migrations.RemoveField('topic', 'description')", False, id="a column less"),
    ],
)
def test_the_previous_release_runs_on_the_next_schema_only_if_it_was_expanded(
    release: Release, operation: str, passes: bool
) -> None:
    succeeded, said = previous_release_passes_its_tests(release, release.migration(operation))
    assert succeeded is passes, said
    if not passes:
        assert "does not exist" in said or "violates not-null constraint" in said


def slow_worker(stack: Stack, alias: str, queue: str) -> str:
    command = [*WORKER, "--include", "slow_task", "--queues", queue, "--concurrency", "1"]
    options = ("--no-healthcheck", "--env", "PYTHONPATH=/extra")
    return stack.start_backend(
        alias, *command, options=(*options, "--volume", f"{HERE / 'slow_task.py'}:/extra/slow_task.py:ro")
    )


def test_a_worker_told_to_stop_finishes_its_task_and_takes_no_other(stack: Stack) -> None:
    """SIGTERM drains, and the ended task is acknowledged; what does not finish in time is test_allthrive.py's."""
    queue = f"drain-{uuid4().hex[:8]}"
    worker = slow_worker(stack, queue, queue)
    for _ in range(2):
        docker("exec", worker, "celery", "-A", "config", "call", "slow_task.wait", "--queue", queue)
    assert "started" in stack.redis("BLPOP", "started", "30")

    docker("kill", "--signal", "TERM", worker)
    eventually("it says that it stops", 30, lambda: "shutdown" in docker_logs(worker).lower())
    stack.redis("RPUSH", "may-end", "1")

    assert docker("wait", worker) == "0", docker_logs(worker)
    assert "ended" in stack.redis("BLPOP", "ended", "30")
    assert stack.redis("LLEN", queue) == "1"
    assert stack.redis("LLEN", "started") == "0"
    stack.redis("DEL", queue)


def docker_logs(container: str) -> str:
    done = subprocess.run(["docker", "logs", "--tail", "60", container], text=True, capture_output=True, check=True)
    return done.stdout + done.stderr
