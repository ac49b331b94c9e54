"""The content of the status endpoint."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from api.tasks import HEARTBEAT_KEY


def report() -> dict[str, Any]:
    """Check all parts once. Workers and pending migrations do not count for `ok`: the site works without them."""
    database, cached = _database(), _cache()
    return {
        "ok": database["ok"] and cached["ok"],
        "version": settings.RELEASE_VERSION,
        "image_digest": settings.RELEASE_IMAGE_DIGEST,
        "database": database,
        "cache": {"ok": cached["ok"]},
        "worker": {"ok": cached["heartbeat"] is not None, "heartbeat": cached["heartbeat"]},
    }


def _database() -> dict[str, Any]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            (version,) = cursor.fetchone()
        return {"ok": True, "version": version, "migrations": _migrations()}
    except DatabaseError:
        return {"ok": False, "version": None, "migrations": None}


def _migrations() -> dict[str, int]:
    executor = MigrationExecutor(connection)
    return {
        "applied": len(executor.loader.applied_migrations),
        "pending": len(executor.migration_plan(executor.loader.graph.leaf_nodes())),
    }


def _cache() -> dict[str, Any]:
    try:
        return {"ok": True, "heartbeat": cache.get(HEARTBEAT_KEY)}
    except RedisError:
        return {"ok": False, "heartbeat": None}
