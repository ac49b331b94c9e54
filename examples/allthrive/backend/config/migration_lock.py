"""A lock that lets one process at a time change the schema."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper

# Any number that nothing else uses for advisory locks in this database.
KEY = 7_301_984_455_120_311
_RETRY_SECONDS = 1.0


class MigrationLockError(Exception):
    """Another process that migrates did not end in time."""


@contextmanager
def only_one(connection: BaseDatabaseWrapper, deadline: float, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock. It ends with the connection, so a killed migration does not keep it.

    This polls instead of waiting: a waiting statement holds a snapshot, and `CREATE INDEX CONCURRENTLY` in the process
    with the lock waits until that snapshot is released, which would be a deadlock. The lock belongs to a session, so
    the connection must not go through a pooler that shares sessions.

    Raises:
        MigrationLockError: if it is not free by `deadline`, on the clock of `time.monotonic`.
    """
    announced = False
    while not _answer(connection, "SELECT pg_try_advisory_lock(%s)"):
        if not announced:
            say("Another process migrates this database; waiting for it.")
            announced = True
        if time.monotonic() + _RETRY_SECONDS > deadline:
            raise MigrationLockError(
                "another process still migrates this database. Find it: SELECT pid, state, query FROM pg_stat_activity"
                " JOIN pg_locks USING (pid) WHERE locktype = 'advisory'; then run this again, or end it by"
                " SELECT pg_terminate_backend(<pid>)."
            )
        time.sleep(_RETRY_SECONDS)
    try:
        yield
    finally:
        # A broken connection has already released the lock.
        if connection.is_usable():
            _answer(connection, "SELECT pg_advisory_unlock(%s)")


def _answer(connection: BaseDatabaseWrapper, query: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(query, [KEY])
        return bool(cursor.fetchone()[0])
