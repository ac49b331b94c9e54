"""Renders docs/controls.md, how AWS's Foundational Security Best Practices are met, from controls.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from paths import ROOT

DATA = Path(__file__).with_name("controls.yaml")
PATH = ROOT / "docs" / "controls.md"
_ANSWERS = {
    "met": "met",
    "accepted": "accepted risk",
    "left": "not met",
    "account": "account setting",
    "none": "not applicable",
}
_HEAD = """\
# Controls

<!-- Written by `make docs` from slipway_cli/gate/controls.yaml. -->

The controls of AWS's Foundational Security Best Practices for the services that Slipway uses, and how each is met.
*Met* names a test, a Guard rule of `policy/rules` or a check of `make policy`; a test verifies that each exists.
Depending on the manifest, a control can be met in one environment and an accepted risk in another. *Account settings*
are outside the templates: turn them on once per account.

The list of controls is from {as_of}.

{counts}

| control | requires | answer | by |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Control:
    """One control and its answers."""

    name: str
    asks: str
    met: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)
    """The reasons of the answers `left`, `account` and `none`."""

    @property
    def answers(self) -> list[str]:
        """Returns the kinds of the answers."""
        given = [kind for kind in ("met", "accepted") if getattr(self, kind)]
        return [*given, *self.reasons]


@dataclass(frozen=True)
class Table:
    """The controls of the standard, and their rows."""

    standard: tuple[str, ...]
    rows: tuple[Control, ...]
    as_of: str
    """The date of the last comparison with AWS's list."""


def load(path: Path = DATA) -> Table:
    """Returns the table of the file."""
    data: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    standard = tuple(f"{service}.{number}" for service, numbers in data["standard"].items() for number in numbers)
    rows = tuple(_control(name, row) for name, row in data["rows"].items())
    return Table(standard, rows, str(data["as_of"]))


def _control(name: str, row: dict[str, Any]) -> Control:
    reasons: dict[str, str] = {kind: str(row[kind]) for kind in ("left", "account", "none") if kind in row}
    return Control(name, str(row["asks"]), tuple(row.get("met", ())), tuple(row.get("accepted", ())), reasons)


def document(table: Table) -> str:
    """Returns the page."""
    rows = sorted(table.rows, key=lambda row: table.standard.index(row.name))
    counted = {kind: sum(kind in row.answers for row in rows) for kind in _ANSWERS}
    counts = f"{len(rows)} controls: " + ", ".join(f"{counted[kind]} {label}" for kind, label in _ANSWERS.items()) + "."
    return _HEAD.format(counts=counts, as_of=table.as_of) + "".join(f"{_row(row)}\n" for row in rows)


def _row(control: Control) -> str:
    answers = ", ".join(_ANSWERS[kind] for kind in control.answers)
    met = [f"`{rule.partition(':')[2]}`" for rule in control.met]
    accepted = [f"[`{rule}`](accepted-risks.md)" for rule in control.accepted]
    return (
        f"| {control.name} | {control.asks} | {answers} | {'; '.join([*met, *accepted, *control.reasons.values()])} |"
    )


if __name__ == "__main__":
    PATH.write_text(document(load()), encoding="utf-8")
