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
            help="A manifest in products/; by default the first with a folder in examples/.",
        ),
    ] = None,
    *,
    named: Annotated[
        str | None,
        typer.Option("--product", metavar="NAME", autocompletion=completing.products, help="The same, as an option."),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The product's checkout; by default its folder in examples/."),
    ] = None,
    environment: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", autocompletion=completing.environments, help="Deploy only this one; repeat for several."
        ),
    ] = None,
) -> int:
    """Deploy, release and serve a product on the local cloud."""
    if product and named and product != named:
        raise usage(f"two products are given: {product} and {named}", typed.command("demo", product))
    found = choice.loaded(product or named or choice.named(None) or _example())
    from slipway_cli.demo.command import run  # noqa: PLC0415 - imports boto3

    return run(found, source, environment or ())


def _example() -> str:
    """Returns the first product that has an example."""
    known = choice.manifests()
    examples = [name for name in known if (ROOT / "examples" / name).is_dir()]
    if not examples:
        first = typed.command("demo", *known[:1], source="FOLDER")
        raise usage(f"no product has an example; name one of: {', '.join(known)}", first)
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
    # Reports a wrong name before it looks for a cloud. Not every product has the drill's own environment.
    candidates = [known] if known else [choice.loaded(manifest) for manifest in choice.manifests()]
    fitting = [product for product in candidates if (environment or chosen.environment) in product.environments]
    command.played_in(chosen, (fitting or candidates)[0], environment)
    place = cloud.local()
    found = known or choice.product(product, cloud.Cloud(local=place))
    return command.play(chosen, found, environment, place)
