"""The commands for developers of Slipway: docs."""

from __future__ import annotations

import typer

from slipway_cli.commands.options import MAINTAIN


def add(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=MAINTAIN)(docs)


def docs() -> None:
    """Regenerate the documents that are derived from the model, manifests and templates."""
    from slipway_cli.documents import write  # noqa: PLC0415 - the start of other commands is faster without

    write()
