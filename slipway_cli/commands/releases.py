"""The commands for one environment: release, rollback, logs, exec, open."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from slipway_cli.commands import completing, talking
from slipway_cli.commands.options import RELEASES, Aws, Environment, Product, Service, Yes


def add(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (rollback, release, logs):
        app.command(rich_help_panel=RELEASES)(command)
    app.command("exec", rich_help_panel=RELEASES)(execute)
    app.command("open", rich_help_panel=RELEASES)(open_port)


def rollback(
    environment: Environment,
    *,
    to: Annotated[str, typer.Option(metavar="RELEASE", help="A release tag, version or commit.")],
    yes: Yes = False,
    product: Product = None,
    aws: Aws = False,
) -> None:
    """Roll an environment back to an earlier release."""
    with talking.tooling(product, aws=aws) as desk:
        from slipway_cli.operate import rollback as back  # noqa: PLC0415 - imports boto3

        pipeline, run = back.rollback(desk, environment, to, talking.say, talking.sure(yes=yes))
        talking.say(f"Next: {pipeline.command('follow', run=run[:8])}")


def release(
    environment: Environment,
    *,
    source: Annotated[Path, typer.Option(metavar="FOLDER", help="The product's checkout.")],
    url: Annotated[str | None, typer.Option(help="The address to verify; by default that of the Edge stack.")] = None,
    native: Annotated[
        bool,
        typer.Option("--native", metavar="", help="Build for this machine's architecture, as always on a local cloud."),
    ] = False,
    build_arg: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Passed to docker build; repeat for several.")
    ] = None,
    product: Product = None,
    aws: Aws = False,
) -> None:
    """Release by hand from a checkout: build, push, deploy, migrate, publish, verify."""
    with talking.environment(product, environment, aws=aws) as (cloud, found):
        from slipway_cli.release import by_hand  # noqa: PLC0415 - imports boto3
        from slipway_cli.release.target import Target  # noqa: PLC0415 - imports boto3

        given = by_hand.arguments(build_arg or [])
        here = cloud.local is not None
        # The local database's certificate is not signed by the RDS authorities, so the image must not require them.
        known = {"RDS_CA_BUNDLE_URL": "", **given} if here else given
        by_hand.run(Target(found, environment), source, known, talking.say, native=native or here, url=url)


def logs(
    environment: Environment,
    service: Service,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", metavar="", help="Keep printing until interrupted.")
    ] = False,
    since: Annotated[str, typer.Option(metavar="TIME", help="How far back, e.g. 30s, 10m, 2h, 1d.")] = "10m",
    product: Product = None,
    aws: Aws = False,
) -> int:
    """Print the log of a service."""
    from slipway_cli.operate import logs as reading  # noqa: PLC0415 - imports boto3

    back = reading.seconds(since)
    with talking.environment(product, environment, aws=aws, service=service, stream=sys.stderr) as (cloud, found):
        if environment in found.on_kubernetes():
            from slipway_cli.operate import containers  # noqa: PLC0415 - imports boto3

            return containers.print_pod_logs(found, environment, service, back, cloud.local, follow=follow)
        reading.read(reading.Log(found, environment, service), back, talking.say, follow=follow)
        return 0


def execute(
    environment: Environment,
    service: Service,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="COMMAND", help="Written after --; by default a shell.", show_default=False),
    ] = None,
    *,
    product: Product = None,
    aws: Aws = False,
) -> int:
    """Run a command in a container of a service, or open a shell."""
    with talking.environment(product, environment, aws=aws, service=service, stream=sys.stderr) as (cloud, found):
        from slipway_cli.operate import containers  # noqa: PLC0415 - imports boto3

        return containers.execute(found, environment, service, command or [], cloud.local)


def open_port(
    service: Service,
    environment: Annotated[
        str | None,
        typer.Argument(
            metavar="ENVIRONMENT",
            autocompletion=completing.environments,
            help="By default the last of the manifest.",
            show_default=False,
        ),
    ] = None,
    *,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The port on this machine; by default the service's.")
    ] = None,
    product: Product = None,
    aws: Aws = False,
) -> int:
    """Open the port of a service on this machine, e.g. Prometheus: `slipway open prometheus`."""
    with talking.environment(product, environment, aws=aws, service=service, stream=sys.stderr) as (cloud, found):
        from slipway_cli.operate import forwarding  # noqa: PLC0415 - imports boto3

        chosen = environment or list(found.environments)[-1]
        return forwarding.open_port(found, chosen, service, port, cloud.local)
