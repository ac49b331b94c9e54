"""The commands that examine and set up AWS accounts: doctor, prepare, drift."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from slipway_cli.commands import completing, talking
from slipway_cli.commands.options import SET_UP, Aws, Product, Yes
from slipway_cli.errors import CommandError

_CANNOT_ASK = 2
Parts = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ENVIRONMENT",
        autocompletion=completing.parts,
        help="Environments, or tooling for registry, GitHub roles and pipelines; all by default.",
        show_default=False,
    ),
]


def add(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (doctor, prepare, drift):
        app.command(rich_help_panel=SET_UP)(command)


def doctor(
    parts: Parts = None,
    *,
    json: Annotated[bool, typer.Option("--json", metavar="", help="Print the findings as JSON.")] = False,
    policy: Annotated[
        bool, typer.Option("--policy", metavar="", help="Print the IAM policy that this command needs, and end.")
    ] = False,
    product: Product = None,
    aws: Aws = False,
) -> int:
    """List what is missing on AWS. Exit code 0: nothing, 1: something, 2: AWS cannot be asked. Changes nothing."""
    if policy:
        from json import dumps  # noqa: PLC0415 - the option has its name

        from slipway_cli.doctor import permissions  # noqa: PLC0415 - the start of other commands is faster without

        talking.say(dumps(permissions.policy(), indent=2))
        return 0
    try:
        with talking.parts(product, parts or [], aws=aws) as (cloud, found, chosen):
            from slipway_cli.doctor import table  # noqa: PLC0415 - imports boto3
            from slipway_cli.doctor.command import examined  # noqa: PLC0415 - imports boto3
            from slipway_cli.doctor.model import exit_code  # noqa: PLC0415 - as above

            findings = examined(found, cloud, chosen)
            if json:
                talking.say(table.as_json(findings))
            else:
                talking.say(cloud.name)
                for line in table.table(findings):
                    talking.say(line)
            return exit_code(finding for group in findings.values() for finding in group)
    except CommandError as error:
        error.exit_code = _CANNOT_ASK
        raise


def prepare(parts: Parts = None, *, yes: Yes = False, product: Product = None, aws: Aws = False) -> int:
    """Create what no stack can create: CloudFormation's policies, the CDK's bootstrap stack, missing secrets."""
    with talking.parts(product, parts or [], aws=aws) as (cloud, found, chosen):
        from getpass import getpass  # noqa: PLC0415 - the start of other commands is faster without

        from slipway_cli.prepare import command  # noqa: PLC0415 - imports boto3

        ask = getpass if sys.stdin.isatty() else None
        terminal = command.Terminal(talking.say, talking.sure(yes=yes), ask)
        return 0 if command.prepare(cloud, found, chosen, terminal) else 1


def drift(parts: Parts = None, *, product: Product = None, aws: Aws = False) -> int:
    """List what was changed outside of the stacks. Exit code 0: nothing, 1: something. Reverts nothing."""
    with talking.parts(product, parts or [], aws=aws) as (cloud, found, chosen):
        from slipway_cli.doctor.model import TOOLING  # noqa: PLC0415 - the start of other commands is faster without
        from slipway_cli.operate.drift import check  # noqa: PLC0415 - imports boto3

        same = []
        for part in chosen:
            place = found.tooling if part == TOOLING else found.environments[part]
            talking.say(cloud.enter(place.account, place.region))
            same.append(check(found, part, talking.say))
        return 0 if all(same) else 1
