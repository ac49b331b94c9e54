"""GitHub's SQLite database: issues, comments, statuses, releases, pull requests, deployments and tokens."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]

# As on GitHub, issues and pull requests of a repository share one sequence of numbers.
_TABLES = """
CREATE TABLE IF NOT EXISTS issues (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repository TEXT NOT NULL, number INTEGER NOT NULL, title TEXT NOT NULL,
  body TEXT, state TEXT NOT NULL DEFAULT 'open', reason TEXT, labels TEXT NOT NULL DEFAULT '[]', author TEXT NOT NULL,
  created TEXT NOT NULL, updated TEXT NOT NULL, closed TEXT, UNIQUE (repository, number));
CREATE TABLE IF NOT EXISTS pulls (
  issue INTEGER PRIMARY KEY REFERENCES issues (id), head TEXT NOT NULL, base TEXT NOT NULL, head_sha TEXT NOT NULL,
  base_sha TEXT NOT NULL, draft INTEGER NOT NULL DEFAULT 0, merged TEXT, merge_sha TEXT);
CREATE TABLE IF NOT EXISTS comments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, issue INTEGER NOT NULL REFERENCES issues (id), body TEXT NOT NULL,
  author TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS commit_comments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repository TEXT NOT NULL, sha TEXT NOT NULL, body TEXT NOT NULL,
  author TEXT NOT NULL, created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS statuses (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repository TEXT NOT NULL, sha TEXT NOT NULL, state TEXT NOT NULL,
  context TEXT NOT NULL, description TEXT, target TEXT, author TEXT NOT NULL, created TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS statuses_of ON statuses (repository, sha);
CREATE TABLE IF NOT EXISTS releases (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repository TEXT NOT NULL, tag TEXT NOT NULL, target TEXT NOT NULL, name TEXT,
  body TEXT, draft INTEGER NOT NULL, prerelease INTEGER NOT NULL, author TEXT NOT NULL, created TEXT NOT NULL,
  published TEXT, UNIQUE (repository, tag));
CREATE TABLE IF NOT EXISTS deployments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, repository TEXT NOT NULL, sha TEXT NOT NULL, ref TEXT NOT NULL,
  environment TEXT NOT NULL, task TEXT NOT NULL, description TEXT, payload TEXT NOT NULL, author TEXT NOT NULL,
  created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deployment_statuses (
  id INTEGER PRIMARY KEY AUTOINCREMENT, deployment INTEGER NOT NULL REFERENCES deployments (id), state TEXT NOT NULL,
  description TEXT, log TEXT, url TEXT, author TEXT NOT NULL, created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (digest TEXT PRIMARY KEY, repository TEXT NOT NULL, expires REAL NOT NULL);
"""
_NAMES = (
    "tokens",
    "deployment_statuses",
    "deployments",
    "releases",
    "statuses",
    "commit_comments",
    "comments",
    "pulls",
    "issues",
)


def now() -> str:
    """Returns the current time in GitHub's format."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Store:
    """The database, with one connection for all threads; every change is a transaction."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.RLock()
        self._known: sqlite3.Connection | None = None

    def _connection(self) -> sqlite3.Connection:
        if self._known is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._known = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
            self._known.row_factory = sqlite3.Row
            self._known.execute("PRAGMA synchronous = OFF")  # data may be lost if the machine crashes, like all state
            self._known.executescript(_TABLES)
        return self._known

    @contextmanager
    def change(self) -> Iterator[None]:
        """A transaction; no other thread reads or writes meanwhile."""
        with self._lock:
            connection = self._connection()
            if connection.in_transaction:
                yield
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """Returns the rows of a query."""
        with self._lock:
            return [dict(row) for row in self._connection().execute(sql, values)]

    def row(self, sql: str, *values: Any) -> Row | None:
        """Returns the first row of a query, or None."""
        found = self.rows(sql, *values)
        return found[0] if found else None

    def insert(self, table: str, **values: Any) -> int:
        """Inserts a row; returns its ID."""
        marks = ", ".join("?" for _ in values)
        sql = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"  # noqa: S608 - table and column names from this package
        with self.change():
            return int(self._connection().execute(sql, [_stored(value) for value in values.values()]).lastrowid or 0)

    def update(self, table: str, identifier: int, *, key: str = "id", **values: Any) -> None:
        """Update a row."""
        marks = ", ".join(f"{name} = ?" for name in values)
        sql = f"UPDATE {table} SET {marks} WHERE {key} = ?"  # noqa: S608 - table and column names from this package
        with self.change():
            self._connection().execute(sql, [*(_stored(value) for value in values.values()), identifier])

    def clear(self) -> None:
        """Delete all rows."""
        with self.change():
            for name in _NAMES:
                self._connection().execute(f"DELETE FROM {name}")  # noqa: S608 - table and column names from this package
            self._connection().execute("DELETE FROM sqlite_sequence")

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._known is not None:
                self._known.close()
                self._known = None


def _stored(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (list, dict)) else value
