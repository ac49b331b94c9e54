"""The contents of the database, which a drill compares before and after a failure."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg2
from psycopg2 import sql

Rows = dict[str, tuple[int, str]]
_NOT_DATA = ("django_migrations", "django_session")


def connect(url: str) -> Any:
    """Returns a connection to the URL that the tasks use.

    The local cloud's database has an address in the Docker network, which a Linux host can reach.
    """
    connection = psycopg2.connect(url.partition("?")[0], sslmode="require", connect_timeout=5)
    connection.autocommit = True
    return connection


def read(url: str) -> Rows:
    """Returns the number of rows of each table of the product, and a digest of all its rows."""
    with closing(connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        found: Rows = {}
        for (name,) in cursor.fetchall():
            if name not in _NOT_DATA:
                cursor.execute(
                    sql.SQL(
                        "SELECT count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {} t"
                    ).format(sql.Identifier(name))
                )
                found[name] = cursor.fetchone()
        return found


def migrations(url: str) -> list[str]:
    """Returns the recorded migrations, oldest first."""
    with closing(connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY id")
        return [str(name) for (name,) in cursor.fetchall()]


def summary(rows: Rows) -> str:
    """Returns the total numbers of rows and tables, as text."""
    return f"{sum(count for count, _ in rows.values())} rows in {len(rows)} tables"


def differences(before: Rows, after: Rows) -> str:
    """Returns the tables whose rows changed, as text; empty if none did."""
    changed = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    return ", ".join(f"{name} {before.get(name, (0, ''))[0]} → {after.get(name, (0, ''))[0]} rows" for name in changed)
