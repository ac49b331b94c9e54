"""Lists the drills, or runs one against the running demo: `python -m slipway_cli.drills bad-image`."""

from __future__ import annotations

import argparse
import dataclasses
import sys

from botocore.exceptions import BotoCoreError, ClientError

from products import ManifestError, Product, load
from products.errors import nearest
from slipway_cli import cloud
from slipway_cli.drills.book import DRILLS, Drill, drill
from slipway_cli.drills.report import Report
from slipway_cli.drills.runbook import RunbookError, anchor
from slipway_cli.drills.scene import Scene, SceneError
from slipway_cli.operate.errors import OperateError
from slipway_cli.release.errors import ReleaseError

_STOPPED = (SceneError, RunbookError, ReleaseError, OperateError, ClientError, BotoCoreError, OSError)


def main(arguments: list[str] | None = None) -> int:
    """List, or run one: 0 every promise held, 1 one did not or the drill could not go on, 2 asked wrongly."""
    options = _parser().parse_args(arguments)
    if not options.name:
        _list()
        return 0
    chosen = drill(options.name)
    if chosen is None:
        return _asked_wrongly(f"no drill '{options.name}'{nearest(options.name, [it.name for it in DRILLS])}")
    try:
        product = load(options.product)
    except ManifestError as error:
        return _asked_wrongly(str(error))
    environment = options.environment or chosen.environment
    if environment not in product.environments:
        return _asked_wrongly(
            f"no environment '{environment}' in {product.name}{nearest(environment, list(product.environments))}"
        )
    return play(chosen, product, environment)


def play(chosen: Drill, product: Product, environment: str, report: Report | None = None) -> int:
    """Run a drill; the exit code."""
    report = report or Report()
    place = dataclasses.replace(cloud.chosen(), account=product.tooling.account, region=product.tooling.region)
    report.title(f"DRILL {chosen.name}: {chosen.what}", f"{environment} of {product.name}, on {place.url}")
    scene = Scene(place, product, environment, report)
    try:
        scene.check()
        chosen.play(scene)
    except KeyboardInterrupt:
        report.promise(
            "the drill came to its end",
            kept=False,
            seen="interrupted; make status, and look at the clone's last commit",
        )
    except _STOPPED as error:
        report.promise("the drill came to its end", kept=False, seen=error)
    return report.verdict(chosen.name, f"docs/runbook.md#{anchor(chosen.heading)}")


def _list() -> None:
    for each in DRILLS:
        print(f"{each.name:<20} {each.what:<45} {each.minutes:>3} min, {each.environment}")  # noqa: T201 - the user reads it
    print("\nRun one against the running demo: make drill NAME=bad-image [ENVIRONMENT=…]")  # noqa: T201 - the user reads it


def _asked_wrongly(why: str) -> int:
    print(f"drill: {why}\nnext: make drill", file=sys.stderr)  # noqa: T201 - the user reads it
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m slipway_cli.drills", description=__doc__)
    parser.add_argument("name", nargs="?", help="which one; without it they are listed")
    parser.add_argument("--product", default="allthrive")
    parser.add_argument("--environment", help="by default the drill's own")
    return parser


if __name__ == "__main__":
    sys.exit(main())
