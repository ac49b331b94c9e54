"""Django's `migrate`, but only one runs at a time, and it does not block readers for long."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.migrations import Migration
from psycopg.errors import LockNotAvailable

from config.migration_lock import MigrationLockError, only_one


class Command(migrate.Command):
    """Migrates while holding a lock that only one process can have; retries when a table is in use.

    All later queries of a table queue behind a migration that waits for it. So `lock_timeout` (config/environment.py)
    ends each wait after two seconds, and the queries run before the next attempt.
    """

    help = "Updates database schema, one process at a time, and tries again when a table is in use."

    _applying: Migration | None = None

    def handle(self, *args: Any, **options: Any) -> None:
        deadline = time.monotonic() + settings.MIGRATION_PATIENCE_SECONDS
        try:
            with only_one(connections[options["database"]], deadline, self._say):
                while not self._applied(deadline, *args, **options):
                    time.sleep(settings.MIGRATION_PAUSE_SECONDS)
        except MigrationLockError as error:
            raise CommandError(str(error)) from error

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        if action in {"apply_start", "unapply_start"}:
            self._applying = migration
        elif action in {"apply_success", "unapply_success"}:
            self._applying = None
        super().migration_progress_callback(action, migration, fake)

    def _applied(self, deadline: float, *args: Any, **options: Any) -> bool:
        """Migrate; return False if a table was in use. Any other error is raised, and so is one after the deadline."""
        self._applying = None
        try:
            super().handle(*args, **options)
        except OperationalError as error:
            waited = isinstance(error.__cause__, LockNotAvailable)
            if not waited or time.monotonic() + settings.MIGRATION_PAUSE_SECONDS > deadline:
                raise
            if self._applying is not None and not self._applying.atomic:
                # A part of it may be applied already, and would make the next attempt fail.
                raise
            what = f"{self._applying.app_label}.{self._applying.name}" if self._applying else "after the migrations"
            self._say(f"{what}: a table is in use; next attempt in {settings.MIGRATION_PAUSE_SECONDS:g} s")
            return False
        return True

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
