"""Which control of AWS's Foundational Security Best Practices is met by what: docs/controls.md, from controls.yaml."""

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
    "left": "left",
    "account": "the account's",
    "none": "not applicable",
}
_HEAD = """\
# Controls

<!-- Written by `make docs` from slipway_cli/gate/controls.yaml. -->

AWS's Foundational Security Best Practices, control by control, for the services we use: what meets it, or why nothing
does. *Met* names a test, a Guard rule of `policy/rules` or a check of `make policy`: each exists, or a test fails. A
control can be met in one environment and accepted in another, where the manifest chooses. *The account's* are settings
that no product's template holds: turn them on once.

The list is AWS's as of {as_of}.

{counts}

| control | asks for | answer | by |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Control:
    """One control, and what answers it."""

    name: str
    asks: str
    met: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)
    """`left`, `account` or `none`, each with its reason."""

    @property
    def answers(self) -> list[str]:
        """The kinds of its answers."""
        given = [kind for kind in ("met", "accepted") if getattr(self, kind)]
        return [*given, *self.reasons]


@dataclass(frozen=True)
class Table:
    """The standard's list, and our rows."""

    standard: tuple[str, ...]
    rows: tuple[Control, ...]
    as_of: str
    """Date on which the list was last compared with AWS's."""


def load(path: Path = DATA) -> Table:
    """The table as it stands in the file."""
    data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    standard = tuple(f"{service}.{number}" for service, numbers in data["standard"].items() for number in numbers)
    rows = tuple(_control(name, row) for name, row in data["rows"].items())
    return Table(standard, rows, str(data["as_of"]))


def _control(name: str, row: dict[str, Any]) -> Control:
    reasons: dict[str, str] = {kind: str(row[kind]) for kind in ("left", "account", "none") if kind in row}
    return Control(name, str(row["asks"]), tuple(row.get("met", ())), tuple(row.get("accepted", ())), reasons)


def document(table: Table) -> str:
    """The page."""
    rows = sorted(table.rows, key=lambda each: table.standard.index(each.name))
    counted = {kind: sum(kind in each.answers for each in rows) for kind in _ANSWERS}
    counts = f"{len(rows)} controls: " + ", ".join(f"{counted[kind]} {said}" for kind, said in _ANSWERS.items()) + "."
    return _HEAD.format(counts=counts, as_of=table.as_of) + "".join(f"{_row(row)}\n" for row in rows)


def _row(control: Control) -> str:
    answers = ", ".join(_ANSWERS[kind] for kind in control.answers)
    met = [f"`{each.partition(':')[2]}`" for each in control.met]
    accepted = [f"[`{each}`](accepted-risks.md)" for each in control.accepted]
    return (
        f"| {control.name} | {control.asks} | {answers} | {'; '.join([*met, *accepted, *control.reasons.values()])} |"
    )


if __name__ == "__main__":
    PATH.write_text(document(load()), encoding="utf-8")
