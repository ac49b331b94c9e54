"""The command `slipway`: `slipway --help` lists its commands."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Annotated, Any

import typer
from typer._click.exceptions import ClickException, UsageError  # what it raises has no public name; it is pinned

from slipway_cli import typed
from slipway_cli.commands import begin, local, maintain, pipelines, rehearse, releases, review, set_up
from slipway_cli.commands.options import REHEARSE
from slipway_cli.errors import CommandError

app = typer.Typer(
    name=typed.NAME,
    help="Deploy, deliver and operate a product from one manifest, on AWS or on this machine.",
    epilog="Commands use the local cloud of this checkout while it is running, else AWS with your credentials.",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_INTERRUPTED = 130

for group in (begin, rehearse, set_up, pipelines, releases, review, maintain):
    group.add(app)
app.add_typer(local.app, name="local", rich_help_panel=REHEARSE)


def _version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version  # noqa: PLC0415 - this option alone needs it

        print(f"{typed.NAME} {version(typed.NAME)}")  # noqa: T201 - the user reads it
        raise typer.Exit


@app.callback()
def options(
    *,
    _version: Annotated[
        bool, typer.Option("--version", metavar="", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Takes the options of `slipway` itself."""


@cache
def _command() -> Any:
    """Returns all commands with their options; typer needs 20 ms to read them from the functions."""
    return typer.main.get_command(app)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 failed or refused, 2 usage error, 130 interrupted."""
    words = sys.argv[1:] if arguments is None else arguments
    typed.INVOCATION.begin(words)
    try:
        ended = _command()(words or ["--help"], prog_name=typed.NAME, standalone_mode=False)
    except ClickException as error:
        return _wrong(error)
    except CommandError as error:
        return _failed(error)
    except (typer.Abort, KeyboardInterrupt):
        ended = _INTERRUPTED
    except BrokenPipeError:  # `slipway status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        ended = 1
    if ended == _INTERRUPTED:
        print("\ninterrupted; anything already started continues", file=sys.stderr)  # noqa: T201 - the user reads it
    done = ended if isinstance(ended, int) else 0
    return done if words else 2  # without a command only the help was printed


def _wrong(error: ClickException) -> int:
    """Print what is wrong with a command line; returns the exit code."""
    context = error.ctx if isinstance(error, UsageError) else None
    path = context.command_path.split() if context else [typed.NAME]
    message = " ".join(error.format_message().split())
    if not message:  # a group without a command has printed its help
        return 2
    print(f"{' '.join(path)}: {message}", file=sys.stderr)  # noqa: T201 - the user reads it
    print(f"next: {' '.join([typed.program(), *path[1:], '--help'])}", file=sys.stderr)  # noqa: T201 - the user reads it
    return 2


def _failed(error: CommandError) -> int:
    print(f"{typed.INVOCATION.verb} failed: {error}", file=sys.stderr)  # noqa: T201 - the user reads it
    if error.then:
        print(f"next: {error.then}", file=sys.stderr)  # noqa: T201 - the user reads it
    return error.exit_code
