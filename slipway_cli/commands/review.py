"""The commands that review a change before it is deployed: review, cost, policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slipway_cli import choice, typed
from slipway_cli.commands import completing
from slipway_cli.commands.options import REVIEW, Product
from slipway_cli.commands.talking import say
from slipway_cli.errors import usage

if TYPE_CHECKING:
    from slipway_cli.cloud import Cloud

_BASE = "main"


def add(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (review, cost, policy):
        app.command(rich_help_panel=REVIEW)(command)


def review(
    *,
    base: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="Compare with this branch, tag or commit; main by default.")
    ] = None,
    before: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Compare with this CDK assembly instead; needs --after.")
    ] = None,
    after: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The CDK assembly to review instead of the working tree.")
    ] = None,
    deployed: Annotated[
        bool, typer.Option("--deployed", metavar="", help="Also compare with the stacks deployed on AWS.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The folder of the report; .slipway/review by default.")
    ] = None,
    full: Annotated[
        str, typer.Option(metavar="TEXT", help="The address of the full report, printed in a shortened comment.")
    ] = "",
    labels: Annotated[
        str, typer.Option(metavar="A,B", help="Labels of the pull request; allow:RULE allows what a rule forbids.")
    ] = "",
    trailers: Annotated[
        bool, typer.Option("--trailers", metavar="", help="Accept `Allow-Change: RULE, reason` in commit messages.")
    ] = False,
    product: Product = None,
) -> int:
    """Report what a change does: replacements, permissions, networks. Exit code 1 if the manifest forbids it."""
    from slipway_cli.review.command import run  # noqa: PLC0415 - as above
    from slipway_cli.review.errors import ReviewError  # noqa: PLC0415 - as above
    from slipway_cli.review.options import OUTPUT, Options  # noqa: PLC0415 - the start of other commands is faster without

    options = Options(
        product=_product(product),
        base=base or ("" if before or after else _BASE),
        before=before,
        after=after,
        deployed=deployed,
        output=output or OUTPUT,
        full=full,
        labels=labels,
        trailers=trailers,
    )
    try:
        return run(options)
    except ReviewError as error:
        raise usage(str(error)) from None


def cost(
    environment: Annotated[
        str | None,
        typer.Argument(
            metavar="ENVIRONMENT",
            autocompletion=completing.environments,
            help="The environment to price with each profile; by default the last of the manifest.",
        ),
    ] = None,
    *,
    details: Annotated[
        bool, typer.Option("--details", metavar="", help="Print every line with its quantity, price and assumption.")
    ] = False,
    product: Product = None,
) -> None:
    """Estimate the monthly cost of a product, what would save, and each profile."""
    name = _product(product)
    from slipway_cli.review.errors import ReviewError  # noqa: PLC0415 - the start of other commands is faster without

    found = choice.loaded(name)
    if environment and environment not in found.environments:
        from products.errors import nearest  # noqa: PLC0415 - as above

        close = nearest(environment, list(found.environments))
        raise usage(f"no environment '{environment}' in {name}{close}", typed.command("cost"))
    from slipway_cli.review.cost.command import page  # noqa: PLC0415 - imports aws_cdk

    try:
        say(page(found, environment, details=details))
    except ReviewError as error:
        raise usage(str(error)) from None


def policy(
    *,
    product: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", autocompletion=completing.products, help="One product; all by default."),
    ] = None,
) -> int:
    """Check templates, permissions and workflows for unsafe settings. Exit code 1 if there are findings."""
    for name in product or []:
        if name not in choice.manifests():
            raise usage(f"no product '{name}'; write one of: {', '.join(choice.manifests())}", typed.command("policy"))
    from slipway_cli.gate.check import run  # noqa: PLC0415 - imports every tool

    return run(product or choice.manifests())


def _product(name: str | None) -> str:
    """Returns the name of the product to review. AWS is not asked for it, since a review needs no credentials."""
    if known := choice.named(name):
        return known
    from slipway_cli import cloud  # noqa: PLC0415 - imports the local cloud

    place = cloud.running()
    where: Cloud | None = None if place is None else cloud.Cloud(local=place)
    return choice.product(name, where).name
