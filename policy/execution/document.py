"""Writes `policy/execution/<account>/`: the policies of the execution role, and the boundary of all other roles."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from policy.execution import boundary, statements
from policy.execution.account import HOME, NAME
from policy.execution.statements import Json
from policy.templates import Read, templates
from products import Product, load, names, product_names

# docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: characters of a managed policy without white
# space, and managed policies per role, a quota that can be raised to 20.
LIMIT, POLICIES = 6144, 10


def products() -> list[Product]:
    """Returns all products."""
    return [load(name) for name in product_names()]


def document(found: Iterable[Json]) -> Json:
    """Returns a policy document with statements."""
    return {"Version": "2012-10-17", "Statement": list(found)}


def packed(found: Iterable[Json]) -> list[Json]:
    """Distributes statements over as few policies as their order allows."""
    policies: list[list[Json]] = [[]]
    for statement in found:
        if policies[-1] and statements.size(document([*policies[-1], statement])) > LIMIT:
            policies.append([])
        policies[-1].append(statement)
    return [document(policy) for policy in policies]


def policies(chosen: Iterable[Product], account: str, read: Read = templates) -> dict[str, Json]:
    """Returns the managed policies of an account by name, from the committed templates or those that `read` returns."""
    listed, read = list(chosen), cache(read)
    execution = packed(statements.statements(listed, account, read))
    found = {f"{NAME}-{number}": policy for number, policy in enumerate(execution, 1)}
    return {**found, names.BOUNDARY: document(boundary.statements(listed, account, read))}


def check(found: Mapping[str, Json], account: str) -> None:
    """Refuse what IAM would refuse.

    Raises:
        SystemExit: if a policy is too long, or there are too many.
    """
    execution = [name for name in found if name.startswith(NAME)]
    if len(execution) > POLICIES:
        raise SystemExit(
            f"Account {account} needs {len(execution)} policies for its execution role; IAM attaches {POLICIES}: "
            "move a product to another account, or raise the quota and change POLICIES"
        )
    for name, policy in found.items():
        if statements.size(policy) > LIMIT:
            raise SystemExit(
                f"Policy {name} of account {account} has {statements.size(policy)} characters; IAM accepts {LIMIT}: "
                "move a product to another account"
            )


def files() -> dict[Path, str]:
    """Returns the files that the folder should contain, by path."""
    listed = products()
    written: dict[Path, str] = {}
    for account in statements.accounts(listed):
        found = policies(listed, account)
        check(found, account)
        for name, policy in found.items():
            written[HOME / account / f"{name}.json"] = json.dumps(policy, indent=2) + "\n"
    return written


def present() -> dict[Path, str]:
    """Returns the files that the folder contains, by path."""
    return {path: path.read_text(encoding="utf-8") for path in HOME.glob("*/*.json")}


def write() -> None:
    """Writes the files, and deletes those of policies that are no longer needed."""
    wanted = files()
    for path in set(present()) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
