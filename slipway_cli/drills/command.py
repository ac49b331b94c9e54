"""`slipway drill`: lists the drills, or runs one against the running demo."""

from __future__ import annotations

import dataclasses

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.settings import Settings
from products import Product
from products.errors import nearest
from slipway_cli.drills.book import DRILLS, Drill, drill
from slipway_cli.drills.report import Report
from slipway_cli.drills.runbook import RunbookError, anchor
from slipway_cli.drills.scene import Scene, SceneError
from slipway_cli.errors import CommandError, usage
from slipway_cli.release.errors import ReleaseError
from slipway_cli.typed import command

_STOPPED = (SceneError, RunbookError, ReleaseError, CommandError, ClientError, BotoCoreError, OSError)


def listed() -> str:
    """Returns a line for each drill, and the command that runs one."""
    lines = [f"{known.name:<20} {known.what:<45} {known.minutes:>3} min, {known.environment}" for known in DRILLS]
    return "\n".join([*lines, "", f"Run one against the running demo: {command('drill', DRILLS[0].name)}"])


def found(name: str) -> Drill:
    """Returns a drill by its name.

    Raises:
        CommandError: if there is none.
    """
    known = drill(name)
    if known is None:
        raise usage(f"no drill '{name}'{nearest(name, [known.name for known in DRILLS])}", command("drill"))
    return known


def played_in(chosen: Drill, product: Product, environment: str | None) -> str:
    """Returns the environment of a drill.

    Raises:
        CommandError: if the product has no such environment.
    """
    wanted = environment or chosen.environment
    if wanted not in product.environments:
        close = nearest(wanted, list(product.environments))
        raise usage(f"no environment '{wanted}' in {product.name}{close}", command("drill"))
    return wanted


def play(
    chosen: Drill, product: Product, environment: str | None, place: Settings, report: Report | None = None
) -> int:
    """Run a drill; returns 0 if every promise held, 1 if one did not or the drill could not continue."""
    environment = played_in(chosen, product, environment)
    report = report or Report()
    place = dataclasses.replace(place, account=product.tooling.account, region=product.tooling.region)
    report.title(f"DRILL {chosen.name}: {chosen.what}", f"{environment} of {product.name}, on {place.url}")
    scene = Scene(place, product, environment, report)
    try:
        scene.check()
        chosen.play(scene)
    except KeyboardInterrupt:
        report.promise(
            "the drill finished",
            kept=False,
            seen=f"interrupted; {command('status')}, and check the clone's last commit",
        )
    except _STOPPED as error:
        report.promise("the drill finished", kept=False, seen=error)
    return report.verdict(chosen.name, f"docs/runbook.md#{anchor(chosen.heading)}")
