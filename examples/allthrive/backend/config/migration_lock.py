"""A lock that lets one process at a time change the schema."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper

# Any number will do, if nothing else in this database uses it: PostgreSQL keeps one space of them per database.
KEY = 7_301_984_455_120_311
_ASK_EVERY_SECONDS = 1.0


class MigrationLockError(Exception):
    """Another process migrates, and did not end in time."""


@contextmanager
def only_one(connection: BaseDatabaseWrapper, deadline: float, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock; it ends with the connection, so a killed migration leaves none behind.

    Asked for again and again instead of waited for: a statement that waits holds a snapshot, and
    `CREATE INDEX CONCURRENTLY` of the process that has the lock would wait for that snapshot, each for the other.
    The lock belongs to a session: connect to PostgreSQL itself, not through a pooler that shares sessions.

    Raises:
        MigrationLockError: if it is not free by `deadline`, on the clock of `time.monotonic`.
    """
    said = False
    while not _ask(connection, "SELECT pg_try_advisory_lock(%s)"):
        if not said:
            say("Another process migrates this database; waiting for it.")
            said = True
        if time.monotonic() + _ASK_EVERY_SECONDS > deadline:
            raise MigrationLockError(
                "another process still migrates this database. Find it: SELECT pid, state, query FROM pg_stat_activity"
                " JOIN pg_locks USING (pid) WHERE locktype = 'advisory'; then run this again, or end it by"
                " SELECT pg_terminate_backend(<pid>)."
            )
        time.sleep(_ASK_EVERY_SECONDS)
    try:
        yield
    finally:
        # A connection that broke took the lock with it.
        if connection.is_usable():
            _ask(connection, "SELECT pg_advisory_unlock(%s)")


def _ask(connection: BaseDatabaseWrapper, question: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(question, [KEY])
        return bool(cursor.fetchone()[0])
