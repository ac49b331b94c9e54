"""Reads offered.json: the versions and classes that RDS and ElastiCache offer."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("offered.json")


@cache
def offered() -> dict[str, Any]:
    """Returns the tables."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def newest(versions: list[str], major: str) -> str | None:
    """Returns the newest of sorted versions with this major number; None if there is none."""
    return next((version for version in reversed(versions) if version.partition(".")[0] == major), None)


def closest(versions: list[str], version: str) -> str:
    """Returns the newest version of the same major number, otherwise that of the closest one."""
    majors = {int(offer.partition(".")[0]) for offer in versions}
    wanted = int(version.partition(".")[0])
    major = min(majors, key=lambda offer: (abs(offer - wanted), -offer))
    return newest(versions, str(major)) or versions[-1]
