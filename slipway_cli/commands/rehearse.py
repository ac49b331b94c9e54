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
            help="A manifest in products/; by default the one with a folder in examples/.",
        ),
    ] = None,
    *,
    source: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The product's checkout; by default its example.")
    ] = None,
    environment: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", autocompletion=completing.environments, help="Deploy only this one; repeat for several."
        ),
    ] = None,
) -> int:
    """Deploy, release and serve a product on the local cloud."""
    found = choice.loaded(product or choice.named(None) or _example())
    from slipway_cli.demo.command import run  # noqa: PLC0415 - imports boto3

    return run(found, source, environment or ())


def _example() -> str:
    """Returns the only product that has an example."""
    examples = [name for name in choice.manifests() if (ROOT / "examples" / name).is_dir()]
    if len(examples) != 1:
        known = choice.manifests()
        raise usage(
            f"several products are possible; name one of: {', '.join(known)}", typed.command("demo", *known[:1])
        )
    return examples[0]


def drill(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", autocompletion=completing.drills, help="Without a name, the drills are listed."),
    ] = None,
    *,
    environment: Annotated[
        str | None,
        typer.Option(
            metavar="ENVIRONMENT",
            autocompletion=completing.environments,
            help="By default the drill's own environment.",
        ),
    ] = None,
    product: Product = None,
) -> int:
    """Break something in the running demo and check that the product recovers."""
    from slipway_cli.drills import command  # noqa: PLC0415 - imports boto3

    if not name:
        print(command.listed())  # noqa: T201 - the user reads it
        return 0
    from slipway_cli import cloud  # noqa: PLC0415 - imports the local cloud

    chosen = command.found(name)
    known = choice.product(product, None) if choice.named(product) else None
    for candidate in [known] if known else map(choice.loaded, choice.manifests()):
        command.played_in(chosen, candidate, environment)  # reports a wrong name before it looks for a cloud
    place = cloud.local()
    found = known or choice.product(product, cloud.Cloud(local=place))
    return command.play(chosen, found, environment, place)
