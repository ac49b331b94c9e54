"""The commands about pipelines: status, start, follow, approve, reject, retry, stop, console."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slipway_cli.commands import completing
from slipway_cli.commands.options import PIPELINES, Aws, Flow, Product, Run, Stage, Yes
from slipway_cli.commands.talking import say, sure, tooling


def add(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (status, start, follow, approve, reject, retry, stop, console):
        app.command(rich_help_panel=PIPELINES)(command)


def status(
    flow: Flow = None,
    *,
    runs: Annotated[int, typer.Option(min=1, max=20, help="Number of runs to show.")] = 3,
    product: Product = None,
    aws: Aws = False,
) -> None:
    """Show the pipelines: runs, waiting approvals, failures, and what to type next."""
    with tooling(product, aws=aws) as desk:
        from rich.console import Console  # noqa: PLC0415 - the start of other commands is faster without

        from slipway_cli.operate import status as pipelines  # noqa: PLC0415 - imports boto3

        pipelines.show(desk, flow, runs, Console())


def start(
    flow: Annotated[str, typer.Argument(metavar="FLOW", autocompletion=completing.flows, help="E.g. main.")],
    *,
    commit: Annotated[
        str | None, typer.Option(metavar="SHA", help="The commit to run; by default the newest of the branch.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", metavar="", help="Print each change until the run ends.")] = False,
    product: Product = None,
    aws: Aws = False,
) -> None:
    """Start a run."""
    with tooling(product, aws=aws) as desk:
        from slipway_cli.operate import changes  # noqa: PLC0415 - imports boto3
        from slipway_cli.operate.following import Following  # noqa: PLC0415 - imports boto3

        pipeline, run = changes.start(desk, flow, commit, say)
        if follow:
            Following(pipeline, run, say).until_it_ends()
        else:
            say(f"Next: {pipeline.command('follow', run=run[:8])}")


def follow(
    flow: Flow = None,
    *,
    run: Run = None,
    times: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the times of the run's actions into this file, as JSON.")
    ] = None,
    product: Product = None,
    aws: Aws = False,
) -> None:
    """Print each change of a run until it ends; without FLOW, of the only run in progress."""
    with tooling(product, aws=aws) as desk:
        from slipway_cli.operate import changes  # noqa: PLC0415 - imports boto3
        from slipway_cli.operate.following import Following  # noqa: PLC0415 - imports boto3

        pipeline, found = changes.followed(desk, flow, run)
        Following(pipeline, found, say, times).until_it_ends()


def approve(
    flow: Flow = None,
    *,
    stage: Stage = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Kept with the approval.")] = "",
    yes: Yes = False,
    product: Product = None,
    aws: Aws = False,
) -> None:
    """Approve the release that waits for approval."""
    with tooling(product, aws=aws) as desk:
        from slipway_cli.operate import approvals  # noqa: PLC0415 - imports boto3

        approvals.answer(desk, "Approved", reason, flow=flow, stage=stage, say=say, sure=sure(yes=yes))


def reject(
    flow: Flow = None,
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Required; the author of the push reads it.")] = "",
    stage: Stage = None,
    yes: Yes = False,
    product: Product = None,
    aws: Aws = False,
) -> None:
    """Reject the release that waits for approval."""
    with tooling(product, aws=aws) as desk:
        from slipway_cli.operate import approvals  # noqa: PLC0415 - imports boto3

        approvals.answer(desk, "Rejected", reason, flow=flow, stage=stage, say=say, sure=sure(yes=yes))


def retry(flow: Flow = None, *, run: Run = None, product: Product = None, aws: Aws = False) -> None:
    """Retry the failed actions of the newest run."""
    with tooling(product, aws=aws) as desk:
        from slipway_cli.operate import changes  # noqa: PLC0415 - imports boto3

        pipeline, repeated = changes.retry(desk, flow, run, say)
        say(f"Next: {pipeline.command('follow', run=repeated[:8])}")


def stop(
    flow: Flow = None,
    *,
    run: Run = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Kept with the run.")] = "",
    abandon: Annotated[
        bool, typer.Option("--abandon", metavar="", help="Do not wait; actions in progress continue on their own.")
    ] = False,
    product: Product = None,
    aws: Aws = False,
) -> None:
    """Stop the run in progress once its current actions have ended."""
    with tooling(product, aws=aws) as desk:
        from slipway_cli.operate import changes  # noqa: PLC0415 - imports boto3

        changes.stop(desk, flow, run, reason, abandon=abandon, say=say)


def console(
    *,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="4780 by default; 0 picks a free port.")] = None,
    region: Annotated[str | None, typer.Option(help="The region of the pipelines; by default AWS_REGION.")] = None,
    github: Annotated[
        str | None, typer.Option(metavar="URL", help="The GitHub server; by default https://github.com.")
    ] = None,
    allow_actions: Annotated[
        bool, typer.Option("--allow-actions", metavar="", help="Allow the pages to approve, reject, retry and stop.")
    ] = False,
    aws: Aws = False,
) -> int:
    """Show the pipelines in a browser. The local cloud serves these pages by itself: its address is printed."""
    from slipway_cli.console.alone import show  # noqa: PLC0415 - imports boto3

    return show(port=port, region=region, github=github, actions=allow_actions, aws=aws)
