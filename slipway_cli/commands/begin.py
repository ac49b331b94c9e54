"""The command that begins with a product: init."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from slipway_cli import typed
from slipway_cli.commands.options import BEGIN
from slipway_cli.errors import usage


class Target(StrEnum):
    """The service that runs the containers."""

    FARGATE = "fargate"
    HOSTS = "hosts"


def add(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=BEGIN)(init)


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The product's checkout; by default the current folder.")
    ] = Path(),
    *,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="The product's name; by default that of its repository.")
    ] = "",
    account: Annotated[str, typer.Option(metavar="ID", help="AWS account.")] = "",
    region: Annotated[str, typer.Option(metavar="REGION", help="AWS region.")] = "",
    repository: Annotated[str, typer.Option(metavar="OWNER/NAME", help="The repository on GitHub.")] = "",
    owner_id: Annotated[str, typer.Option(metavar="ID", help="GitHub's id of the owner.")] = "",
    repository_id: Annotated[str, typer.Option(metavar="ID", help="GitHub's id of the repository.")] = "",
    domain: Annotated[str, typer.Option(metavar="NAME", help="Domain of production, e.g. shop.example.org.")] = "",
    hosted_zone: Annotated[str, typer.Option(metavar="ID", help="Route 53 hosted zone of the domain.")] = "",
    email: Annotated[str, typer.Option(metavar="ADDRESS", help="Who is asked for approvals.")] = "",
    connection: Annotated[str, typer.Option(metavar="ARN", help="Connection to GitHub.")] = "",
    target: Annotated[Target, typer.Option(help="The service that runs the containers.")] = Target.FARGATE,
    demo: Annotated[
        bool, typer.Option("--demo", metavar="", help="Fill what is missing with examples, to try it on this machine.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", metavar="", help="Ask nothing; leave placeholders for what is missing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", metavar="", help="Replace the manifest if it exists.")] = False,
) -> int:
    """Inspect a product's checkout and write its manifest, products/NAME.yaml. Runs none of its code."""
    owner, slash, repository_name = repository.partition("/")
    if repository and not (slash and owner and repository_name):
        raise usage(f"--repository: got '{repository}'; write owner/name", typed.command("init", "--help"))
    from slipway_cli.init.answers import Answers  # noqa: PLC0415 - pydantic takes longer than the rest of the start
    from slipway_cli.init.command import Wanted, at_terminal, run  # noqa: PLC0415 - as above

    answers = Answers(
        account=account,
        region=region,
        owner=owner,
        repository=repository_name,
        owner_id=owner_id,
        repository_id=repository_id,
        domain=domain,
        hosted_zone=hosted_zone,
        email=email,
        connection=connection,
    )
    ask = None if yes or demo else at_terminal()
    wanted = Wanted(folder, name=name, on_hosts=target is Target.HOSTS, force=force, demo=demo, ask=ask)
    return run(wanted, answers)
