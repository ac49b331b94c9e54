"""`slipway local`: the local cloud of this checkout, with the console as its extension."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="The local cloud of this checkout: up, down, reset, status.")


@app.command()
def up(
    *,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="4701 by default.")] = None,
    account: Annotated[str | None, typer.Option(help="Twelve digits; 111122223333 by default.")] = None,
    region: Annotated[str | None, typer.Option(help="us-east-1 by default.")] = None,
    no_docker: Annotated[
        bool, typer.Option("--no-docker", metavar="", help="Do not run databases, caches and containers.")
    ] = False,
) -> int:
    """Start the local cloud, empty."""
    named = {"port": port, "account": account, "region": region, "docker": False if no_docker else None}
    return _do("up", **{name: value for name, value in named.items() if value is not None})


@app.command()
def down() -> int:
    """Stop the local cloud and remove its processes, containers and networks."""
    return _do("down")


@app.command()
def reset() -> int:
    """Delete all stacks, data and containers; the local cloud keeps running."""
    return _do("reset")


@app.command()
def status() -> int:
    """Show what is running; exit code 1 if the local cloud does not answer."""
    return 1 if _do("status") else 0


def _do(verb: str, **named: Any) -> int:
    from localcloud import launcher  # noqa: PLC0415 - imports docker
    from slipway_cli import cloud  # noqa: PLC0415 - imports the local cloud

    chosen = dataclasses.replace(cloud.chosen(), **named)
    code: int = getattr(launcher, verb)(chosen)
    return code
