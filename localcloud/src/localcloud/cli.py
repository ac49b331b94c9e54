"""`python -m localcloud up|down|reset|status`."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence

from localcloud import launcher, settings

VERBS = {"up": launcher.up, "down": launcher.down, "reset": launcher.reset, "status": launcher.status}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; answers the exit code."""
    parser = argparse.ArgumentParser(prog="localcloud", description="AWS on one machine, with real containers.")
    parser.add_argument("verb", choices=sorted(VERBS))
    parser.add_argument("--port", type=int)
    parser.add_argument("--account")
    parser.add_argument("--region")
    parser.add_argument("--no-docker", action="store_true", help="only record databases, caches and containers")
    given = parser.parse_args(arguments)
    chosen = settings.current()
    named = {name: getattr(given, name) for name in ("port", "account", "region") if getattr(given, name)}
    chosen = dataclasses.replace(chosen, **named)
    if given.no_docker:
        chosen = dataclasses.replace(chosen, docker=False)
    return VERBS[given.verb](chosen)
