"""The list of drills, the most important first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from slipway_cli.drills import outages, releases, restore, stores
from slipway_cli.drills.scene import Scene


@dataclass(frozen=True)
class Drill:
    """One rehearsal of a failure."""

    name: str
    what: str
    heading: str
    """Heading in docs/runbook.md: the procedure for a real failure."""
    play: Callable[[Scene], None]
    minutes: int
    """Approximate duration on an otherwise idle machine."""
    environment: str = "staging"


DRILLS = (
    Drill(
        "bad-image", "a release whose web container exits at once", "A release does not start", releases.bad_image, 10
    ),
    Drill(
        "failing-migration", "a migration that fails on real data", "A migration fails", releases.failing_migration, 10
    ),
    Drill("hanging-migration", "a migration that never ends", "A migration hangs", releases.hanging_migration, 10),
    Drill("database-restart", "the database restarts", "The database restarts", stores.database_restart, 1),
    Drill("redis-failover", "Redis stops and comes back empty", "Redis fails over", stores.redis_failover, 2),
    Drill(
        "two-operators",
        "two people deploy a release at once",
        "Two operators deploy at once",
        releases.two_operators,
        3,
    ),
    Drill(
        "secret-rotation",
        "the database password changes under load",
        "Rotate the database password now",
        stores.secret_rotation,
        3,
        "production",
    ),
    Drill(
        "expired-token", "GitHub refuses the pipeline's token", "GitHub's token has expired", outages.expired_token, 2
    ),
    Drill("throttled-api", "AWS throttles every second call", "AWS throttles", outages.throttled_api, 3),
    Drill(
        "bucket-full",
        "the artifact bucket refuses uploads",
        "The artifacts bucket refuses uploads",
        outages.bucket_full,
        2,
    ),
    Drill("endpoint-down", "the region's API does not answer", "An AWS endpoint is down", outages.endpoint_down, 2),
    Drill("restore", "rows are deleted by mistake", "Restore the database to a point in time", restore.restore, 2),
)


def drill(name: str) -> Drill | None:
    """Returns the drill with this name, or None."""
    return next((drill for drill in DRILLS if drill.name == name), None)
