"""`slipway prepare`: what is created in each account and region of a product that the credentials reach."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from policy.execution import account as accounts
from policy.execution import document, statements
from policy.templates import Templates, assembled
from products import Product
from slipway_cli.cloud import Cloud
from slipway_cli.doctor.command import places, with_profile
from slipway_cli.doctor.model import Place
from slipway_cli.doctor.scene import Scene
from slipway_cli.prepare import cdk, secrets
from slipway_cli.typed import command


@dataclass(frozen=True)
class Terminal:
    """The user's terminal: it prints lines, asks for consent, and asks for values of secrets."""

    say: Callable[[str], None]
    sure: Callable[[str], bool]
    """Asks for confirmation."""
    ask: secrets.Ask | None
    """Asks for the value of a secret; None without a terminal."""


def prepare(cloud: Cloud, product: Product, parts: Sequence[str], terminal: Terminal) -> bool:
    """Prepare the accounts and regions of some parts of a product; returns False if the user did not agree.

    Accounts that the credentials do not belong to are left out, and named.

    Raises:
        CommandError: if the CDK CLI fails, or the credentials belong to none of the accounts.
    """
    listed = places(product, parts)
    others = [place for place in listed if not cloud.reaches(place.account)]
    if others == listed:
        cloud.enter(others[0].account, others[0].region)  # raises: it says whose the credentials are
    for place in (place for place in listed if place not in others):
        terminal.say(cloud.enter(place.account, place.region))
        with tempfile.TemporaryDirectory(prefix="slipway-prepare-") as folder:
            if not _policies_and_bootstrap(product, place, Path(folder), terminal):
                return False
        secrets.create(Scene(product, place), terminal.ask, terminal.say)
    for place in others:
        terminal.say(f"account {place.account} has other credentials; next: {with_profile(place, 'prepare')}")
    terminal.say(f"Next: {command('doctor', *parts)}")
    return True


def _policies_and_bootstrap(product: Product, place: Place, folder: Path, terminal: Terminal) -> bool:
    listed = sharing(place.account)
    terminal.say(f"computing the policies from the templates of {', '.join(found.name for found in listed)}")
    found = computed(listed, place.account, folder)
    document.check({name: json.loads(text) for name, text in found.items()}, place.account)
    what = f"{len(found)} policies and the CDK's bootstrap stack"
    if not terminal.sure(f"Create or update {what} in account {place.account}, {place.region}?"):
        return False
    _create(product, place, found, folder, terminal.say)
    return True


def _create(product: Product, place: Place, found: Mapping[str, str], folder: Path, say: secrets.Say) -> None:
    if write(place.account, found):
        say(f"policy/execution/{place.account} has changed: commit it")
    arns = accounts.put(Scene(product, place).client("iam"), place.account, found)
    say(f"{len(found)} policies are up to date")
    trusted = product.tooling.account if product.tooling.account != place.account else ""
    cdk.bootstrap(place.account, place.region, arns, trusted, folder)
    say("the bootstrap stack is up to date")


def sharing(account: str) -> list[Product]:
    """Returns the products with a manifest that use an account: they share CloudFormation's role."""
    return [found for found in document.products() if account in statements.accounts([found])]


def computed(products: Iterable[Product], account: str, folder: Path) -> dict[str, str]:
    """Returns the policies of an account by name, from templates that are synthesized into a folder."""
    listed = list(products)
    for product in listed:
        cdk.synth(product.name, folder / product.name)

    def read(name: str) -> Templates:
        return assembled(folder / name)

    found = document.policies(listed, account, read)
    return {name: f"{json.dumps(policy, indent=2)}\n" for name, policy in found.items()}


def write(account: str, found: Mapping[str, str], home: Path = accounts.HOME) -> bool:
    """Write the policies of an account to policy/execution, with which doctor compares it.

    Returns:
        True if that changed a file.
    """
    folder = home / account
    before = {path.stem: path.read_text("utf-8") for path in folder.glob("*.json")}
    if before == found:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    for name in set(before) - set(found):
        (folder / f"{name}.json").unlink()
    for name, text in found.items():
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return True
