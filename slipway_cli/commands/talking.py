"""The context of commands that use a cloud: they find it, find the product, and explain errors."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from slipway_cli import typed
from slipway_cli.errors import CommandError, usage

if TYPE_CHECKING:
    from products import Product
    from slipway_cli.cloud import Cloud
    from slipway_cli.operate.pipelines import Desk


def say(text: str) -> None:
    """Print progress for the user."""
    print(text, flush=True)  # noqa: T201 - the user reads it


@contextmanager
def tooling(product: str | None, *, aws: bool) -> Iterator[Desk]:
    """Connects to the account of a product's pipelines and explains errors of AWS."""
    from slipway_cli.operate.pipelines import Desk  # noqa: PLC0415 - imports boto3

    with _explaining() as explained:
        cloud, found = _found(product, aws=aws)
        explained.append(found)
        say(cloud.enter(found.tooling.account, found.tooling.region))
        yield Desk(found)


@contextmanager
def environment(
    product: str | None, name: str | None, *, aws: bool, service: str = "", stream: TextIO | None = None
) -> Iterator[tuple[Cloud, Product]]:
    """Checks the names, connects to the account of an environment, and explains errors of AWS.

    Without a name, the last environment of the manifest is meant.
    """
    with _explaining() as explained:
        cloud, found = _found(product, aws=aws)
        explained.append(found)
        name = name or list(found.environments)[-1]
        _known("environment", name, list(found.environments), found.name)
        if service:
            _known_service(found, name, service)
        place = found.environments[name]
        print(cloud.enter(place.account, place.region), file=stream or sys.stdout, flush=True)
        yield cloud, found


@contextmanager
def parts(product: str | None, named: list[str], *, aws: bool) -> Iterator[tuple[Cloud, Product, list[str]]]:
    """Connects to a cloud, checks the names of `tooling` and environments, and explains errors of AWS.

    Without names, all parts of the product are chosen.
    """
    from slipway_cli.doctor.model import TOOLING  # noqa: PLC0415 - the start of other commands is faster without

    with _explaining() as explained:
        cloud, found = _found(product, aws=aws)
        explained.append(found)
        known = [TOOLING, *found.environments]
        for name in named:
            _known("environment", name, known, found.name)
        yield cloud, found, [name for name in known if name in named or not named]


def sure(*, yes: bool) -> Callable[[str], bool]:
    """Returns a function that asks for confirmation at a terminal; without one, or with `yes`, it returns True."""

    def ask(question: str) -> bool:
        if yes or not sys.stdin.isatty():
            return True
        try:
            return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:
            return False

    return ask


def _found(product: str | None, *, aws: bool) -> tuple[Cloud, Product]:
    from slipway_cli import choice, cloud  # noqa: PLC0415 - imports the local cloud

    typed.INVOCATION.aws = aws
    if choice.named(product):  # reports a wrong name before it looks for a cloud
        found = choice.product(product, None)
        return cloud.connected(aws=aws), found
    there = cloud.connected(aws=aws)
    return there, choice.product(product, there)


def _known_service(product: Product, environment: str, service: str) -> None:
    target = product.environments[environment].target
    if target == "kubernetes":
        return  # the deployments are those of the manifests, which are in another repository
    if target == "fargate":
        _known("service", service, [*product.services, *product.schedules, "migrate"], product.name)
    elif product.containers:
        _known("container", service, [*product.containers], product.name)
    # Else the services are those of the compose files, which are in another repository.


def _known(what: str, name: str, known: list[str], product: str) -> None:
    from products.errors import nearest  # noqa: PLC0415 - pydantic takes longer than the rest of the start
    from slipway_cli.texts import plain  # noqa: PLC0415 - as above

    if name not in known:
        message = f"no {what} '{plain(name)}' in {product}{nearest(name, known)}"
        raise usage(message, f"{typed.program()} {typed.INVOCATION.verb} --help")


@contextmanager
def _explaining() -> Iterator[list[Product]]:
    """Turns errors of AWS and of the connection to it into errors that name the next step."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - takes as long as the rest of the start

    from slipway_cli.operate.errors import explained  # noqa: PLC0415 - imports botocore
    from slipway_cli.release.errors import ReleaseError  # noqa: PLC0415 - as above

    product: list[Product] = []
    try:
        yield product
    except (ClientError, BotoCoreError) as error:
        raise explained(error, product[0] if product else None) from None
    except ReleaseError as error:
        raise CommandError(str(error)) from None
