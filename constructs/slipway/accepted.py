"""Accepts findings of the policy gate, each next to the construct that causes it, with a reason.

`accept` has an effect only inside `recording`, so it costs an ordinary synthesis nothing. The gate (`make policy`)
records, compares the records with the findings of its tools, and writes docs/accepted-risks.md (docs/adr/0013).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import aws_cdk as cdk
from constructs import IConstruct

ANY = "…"
"""Wildcard in a rule, for text that only synthesis knows."""
_AUDITS = {"NIST": "NIST.800.53.R5", "HIPAA": "HIPAA.Security", "PCI": "PCI.DSS.321"}


@dataclass(frozen=True)
class Acceptance:
    """Findings at one construct that are accepted for one reason."""

    construct: IConstruct
    """The findings are at this construct or below it."""
    rules: tuple[str, ...]
    """Ids as the tools print them, e.g. `AwsSolutions-S1`, `CKV_AWS_18`; `…` matches any text."""
    reason: str
    declared: str
    """The class or function that accepts the findings, e.g. `slipway.build.Build`."""


_ledger: ContextVar[list[Acceptance] | None] = ContextVar("ledger", default=None)


@contextmanager
def recording() -> Iterator[list[Acceptance]]:
    """Collect the acceptances that are declared inside the `with` block."""
    ledger: list[Acceptance] = []
    token = _ledger.set(ledger)
    try:
        yield ledger
    finally:
        _ledger.reset(token)


def accept(construct: IConstruct, reason: str, *rules: str, declared: str | None = None) -> None:
    """Accept findings of these rules at a construct and below it.

    The reason is one sentence that anybody can understand. The gate fails for a rule that has no finding there.
    """
    ledger = _ledger.get()
    if ledger is not None:
        ledger.append(Acceptance(construct, rules, reason, declared or declaring()))


def acknowledge(construct: IConstruct, reason: str, warning: str) -> None:
    """Accept a warning of the CDK itself, which every synthesis would print. The gate records it like a finding."""
    if _ledger.get() is None:
        cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=warning, reason=reason))
    else:
        accept(construct, reason, warning, declared=declaring())


def accept_aws_key(construct: IConstruct, *rules: str) -> None:
    """Accept that AWS's own key encrypts a resource: one decision for all resources, docs/adr/0013."""
    accept(
        construct,
        "encrypted with a key that AWS keeps: a customer key costs monthly, asks every reader for one more right, and "
        "whoever deletes it deletes the data",
        *rules,
        declared="slipway.accepted.accept_aws_key",
    )


def accept_double_dependency(construct: IConstruct) -> None:
    """Accept that the CDK adds a dependency on a role to a resource that already references the role."""
    accept(
        construct,
        "the library lets a resource wait for its role as well as for the role's policy; once more does no harm",
        "W3005",
        declared="slipway.accepted.accept_double_dependency",
    )


def audits(rule: str, *packs: str) -> tuple[str, ...]:
    """Returns a rule's ids in the given packs; in NIST, HIPAA and PCI if none is given."""
    return tuple(f"{_AUDITS[pack]}-{rule}" for pack in packs or _AUDITS)


def declaring(depth: int = 2) -> str:
    """Returns the class or function that called the caller, e.g. `slipway.build.Build`."""
    frame = sys._getframe(depth)  # noqa: SLF001 - inspect.stack() reads source files, which is slow
    return f"{frame.f_globals['__name__']}.{frame.f_code.co_qualname.partition('.')[0]}"
