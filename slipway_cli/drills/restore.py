"""Rows are deleted by mistake, and restored from the moment before."""

from __future__ import annotations

import io
from contextlib import closing
from datetime import UTC, datetime, timedelta

from psycopg2 import sql

from slipway_cli.drills import rows
from slipway_cli.drills.releases import Before
from slipway_cli.drills.scene import Scene

_EXAMPLE = "WHEN=2026-11-20T09:55:00Z"


def restore(scene: Scene) -> None:
    """All rows of a table are deleted. The database is restored as a new instance, and the rows are copied back."""
    before, report = Before.of(scene), scene.report
    table = max((count, name) for name, (count, _) in before.data.items() if name.startswith("catalog_question"))[1]
    moment = datetime.now(UTC)
    scene.until("a moment later", lambda: datetime.now(UTC) > moment + timedelta(seconds=2), 10)
    with scene.visitor() as visitor:
        _run(scene.database_url, sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        deleted = rows.differences(before.data, scene.data())
        report.say(f"deleted by mistake: {deleted}")
        report.promise("rows were deleted, so that there are rows to restore", deleted, deleted)
        printed = scene.documented(
            "Restore the database to a point in time",
            0,
            replace={_EXAMPLE: f"WHEN={(moment + timedelta(seconds=1)).isoformat()}"},
        )
        address = printed.strip().splitlines()[-1].strip()
        report.say(f"the restored instance has the address {address}")
        restored = _at(scene.database_url, address)
        found = rows.read(restored)
        report.promise(
            "the restored database has the old data", not rows.differences(before.data, found), rows.summary(found)
        )
        report.say(f"copying {table} back")
        _copy(table, restored, scene.database_url)
        scene.documented("Delete a restored database", 0)
    report.promise("visitors are served the whole time", visitor.unnoticed, visitor.summary())
    report.promise("the old release serves", scene.status().get("version") == before.version, before.version)
    before.intact(scene)


def _run(url: str, statement: sql.Composed) -> None:
    with closing(rows.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def _at(url: str, address: str) -> str:
    """Returns a database URL with the same login and another address."""
    login, _, place = url.rpartition("@")
    _, slash, name = place.partition("/")
    return f"{login}@{address}:5432{slash}{name}"


def _copy(table: str, source: str, target: str) -> None:
    """Copy all rows of a table from one database to another, with COPY like pg_dump."""
    buffer, name = io.StringIO(), sql.Identifier(table)
    with closing(rows.connect(source)) as connection, connection.cursor() as cursor:
        cursor.copy_expert(sql.SQL("COPY {} TO STDOUT").format(name), buffer)
    buffer.seek(0)
    with closing(rows.connect(target)) as connection, connection.cursor() as cursor:
        cursor.copy_expert(sql.SQL("COPY {} FROM STDIN").format(name), buffer)
