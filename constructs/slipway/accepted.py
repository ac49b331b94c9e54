"""Findings of the policy gate that are accepted, each beside the construct that causes it, with its reason.

`accept` does nothing but where `recording` listens: synthesis pays nothing for it. The gate (`make policy`) listens,
compares with what its tools find, and writes docs/accepted-risks.md (docs/adr/0013).
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
"""Stands for any text in a rule: what only synthesis knows."""
_AUDITS = {"NIST": "NIST.800.53.R5", "HIPAA": "HIPAA.Security", "PCI": "PCI.DSS.321"}


@dataclass(frozen=True)
class Acceptance:
    """Findings at one construct that are accepted for one reason."""

    construct: IConstruct
    """Where they may be found, or below."""
    rules: tuple[str, ...]
    """Ids as the tools print them, e.g. `AwsSolutions-S1`, `CKV_AWS_18`; `…` stands for any text."""
    reason: str
    declared: str
    """The class or function that says so, e.g. `slipway.build.Build`."""


_ledger: ContextVar[list[Acceptance] | None] = ContextVar("ledger", default=None)


@contextmanager
def recording() -> Iterator[list[Acceptance]]:
    """Collect what is accepted while the context is open."""
    ledger: list[Acceptance] = []
    token = _ledger.set(ledger)
    try:
        yield ledger
    finally:
        _ledger.reset(token)


def accept(construct: IConstruct, reason: str, *rules: str, declared: str | None = None) -> None:
    """Accept findings of these rules at a construct and below it.

    One sentence that a stranger understands, and rules that all are found there: the gate refuses what no longer is.
    """
    ledger = _ledger.get()
    if ledger is not None:
        ledger.append(Acceptance(construct, rules, reason, declared or declaring()))


def acknowledge(construct: IConstruct, reason: str, warning: str) -> None:
    """Accept a warning of CDK's own, which every synthesis would print; the gate hears it and compares."""
    if _ledger.get() is None:
        cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=warning, reason=reason))
    else:
        accept(construct, reason, warning, declared=declaring())


def accept_aws_key(construct: IConstruct, *rules: str) -> None:
    """Accept that AWS's own key encrypts something: one decision, docs/adr/0013."""
    accept(
        construct,
        "encrypted with a key that AWS keeps: a customer key costs monthly, asks every reader for one more right, and "
        "whoever deletes it deletes the data",
        *rules,
        declared="slipway.accepted.accept_aws_key",
    )


def accept_double_dependency(construct: IConstruct) -> None:
    """Accept that the library lets a resource wait for a role that it also names."""
    accept(
        construct,
        "the library lets a resource wait for its role as well as for the role's policy; once more does no harm",
        "W3005",
        declared="slipway.accepted.accept_double_dependency",
    )


def audits(rule: str, *packs: str) -> tuple[str, ...]:
    """A rule's ids in the packs that share it: NIST, HIPAA and PCI, or those named."""
    return tuple(f"{_AUDITS[pack]}-{rule}" for pack in packs or _AUDITS)


def declaring(depth: int = 2) -> str:
    """The class or function that called the caller, e.g. `slipway.build.Build`."""
    frame = sys._getframe(depth)  # noqa: SLF001 - inspect's own way to it reads source files
    return f"{frame.f_globals['__name__']}.{frame.f_code.co_qualname.partition('.')[0]}"
