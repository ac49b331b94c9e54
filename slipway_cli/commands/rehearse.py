"""The commands that rehearse on this machine: demo, drill."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paths import ROOT
from slipway_cli import choice, typed
from slipway_cli.commands import completing
from slipway_cli.commands.options import REHEARSE, Product
from slipway_cli.errors import usage


def add(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (demo, drill):
        app.command(rich_help_panel=REHEARSE)(command)


def demo(
    product: Annotated[
        str | None,
        typer.Argument(
            metavar="PRODUCT",
            autocompletion=completing.products,
            help="A manifest of products/; by default the one with a folder in examples/.",
        ),
    ] = None,
    *,
    source: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The product's checkout; by default its example.")
    ] = None,
    environment: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", autocompletion=completing.environments, help="Only this one; may be given twice."),
    ] = None,
) -> int:
    """Deploy, release and serve a product on the local cloud."""
    found = choice.loaded(product or choice.named(None) or _shown())
    from slipway_cli.demo.command import run  # noqa: PLC0415 - imports boto3

    return run(found, source, environment or ())


def _shown() -> str:
    """The product to show: the only one that has an example."""
    shown = [name for name in choice.manifests() if (ROOT / "examples" / name).is_dir()]
    if len(shown) != 1:
        known = choice.manifests()
        raise usage(f"which product: {' or '.join(known)}?", typed.command("demo", *known[:1]))
    return shown[0]


def drill(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", autocompletion=completing.drills, help="Without it, the drills are listed."),
    ] = None,
    *,
    environment: Annotated[
        str | None,
        typer.Option(metavar="ENVIRONMENT", autocompletion=completing.environments, help="By default the drill's own."),
    ] = None,
    product: Product = None,
) -> int:
    """Break something in the running demo, and check that the product survives."""
    from slipway_cli.drills import command  # noqa: PLC0415 - imports boto3

    if not name:
        print(command.listed())  # noqa: T201 - what was asked
        return 0
    from slipway_cli import cloud  # noqa: PLC0415 - imports the local cloud

    chosen = command.found(name)
    known = choice.product(product, None) if choice.named(product) else None
    for each in [known] if known else map(choice.loaded, choice.manifests()):
        command.played_in(chosen, each, environment)  # a wrong name is told before anything is looked for
    place = cloud.local()
    found = known or choice.product(product, cloud.Cloud(local=place))
    return command.play(chosen, found, environment, place)
