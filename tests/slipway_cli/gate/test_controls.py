"""Each control of the standard has a row, and each row refers to something that exists."""

from __future__ import annotations

import ast
import re
import tarfile
from functools import cache
from pathlib import Path

import cdk_nag
import pytest

from paths import ROOT
from policy.guard import FOLDER
from slipway_cli.gate import tools
from slipway_cli.gate.controls import PATH, Control, Table, document, load
from tests.support.synthesis import PRODUCTS, shipped

TABLE = load()


def problems(table: Table) -> list[str]:
    """Returns the problems of a table."""
    rows = [row.name for row in table.rows]
    found = [f"{name}: no row" for name in table.standard if name not in rows]
    found += [f"{name}: not in the standard" for name in rows if name not in table.standard]
    for control in table.rows:
        if not control.answers:
            found.append(f"{control.name}: no answer")
        found += [f"{control.name}: {rule} does not exist" for rule in control.met if not exists(rule)]
        found += [
            f"{control.name}: {rule} is not accepted anywhere" for rule in control.accepted if rule not in accepted()
        ]
        found += [f"{control.name}: {reason} is no reason" for reason in control.reasons.values() if len(reason) < 7]
    return found


def exists(reference: str) -> bool:
    kind, _, name = reference.partition(":")
    if kind == "test":
        file, _, function = name.partition("::")
        return function in functions(ROOT / file)
    if kind == "guard":
        return any(f"rule {name} " in path.read_text(encoding="utf-8") for path in FOLDER.glob("*.guard"))
    if kind == "checkov":
        return name in checkov_checks()
    return kind == "nag" and name in nag_rules()


@cache
def functions(path: Path) -> frozenset[str]:
    if not path.exists():
        return frozenset()
    return frozenset(
        statement.name
        for statement in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(statement, ast.FunctionDef)
    )


@cache
def accepted() -> frozenset[str]:
    return frozenset(rule for product in PRODUCTS for entry in shipped(product).accepted for rule in entry.rules)


@cache
def nag_rules() -> frozenset[str]:
    (archive,) = (Path(cdk_nag.__file__).parent / "_jsii").glob("*.tgz")
    with tarfile.open(archive) as packed:
        text = packed.extractfile("package/RULES.md")
        assert text
        return frozenset(re.findall(r"\b[A-Z][\w.]+-[A-Za-z0-9]+\b", text.read().decode()))


@cache
def checkov_checks() -> frozenset[str]:
    """Returns Checkov's CloudFormation checks, read from its source: running Checkov takes too long."""
    folders = tools.TOOLS.parent.glob("lib/python*/site-packages/checkov/cloudformation/checks")
    text = "".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))
    return frozenset(re.findall(r"\bCKV_AWS_\d+\b", text))


@pytest.mark.skipif(not tools.TOOLS.exists(), reason="no .venv-policy; `make policy` creates it")
def test_every_control_has_a_row_with_existing_references() -> None:
    assert problems(TABLE) == []


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (Control("ECS.1", "x"), "no answer"),
        (Control("ECS.1", "x", met=("test:tests/stacks/test_data.py::test_gone",)), "does not exist"),
        (Control("ECS.1", "x", met=("test:tests/gone.py::test_gone",)), "does not exist"),
        (Control("ECS.1", "x", met=("guard:gone",)), "does not exist"),
        (Control("ECS.1", "x", met=("checkov:CKV_AWS_99999",)), "does not exist"),
        (Control("ECS.1", "x", met=("nag:AwsSolutions-GONE1",)), "does not exist"),
        (Control("ECS.1", "x", met=("unknown",)), "does not exist"),
        (Control("ECS.1", "x", accepted=("AwsSolutions-GONE1",)), "not accepted anywhere"),
        (Control("ECS.1", "x", reasons={"left": "no"}), "is no reason"),
        (Control("ECS.2", "x", reasons={"left": "a reason"}), "not in the standard"),
    ],
)
def test_a_row_without_a_valid_answer_is_found(row: Control, problem: str) -> None:
    assert any(problem in message for message in problems(Table(("ECS.1",), (row,), "today")))


def test_a_control_without_a_row_is_found() -> None:
    assert problems(Table(("ECS.1",), (), "today")) == ["ECS.1: no row"]


def test_a_rule_of_cdk_nag_exists() -> None:
    assert exists("nag:AwsSolutions-S1")


def test_the_page_is_up_to_date_with_the_table() -> None:
    assert PATH.read_text(encoding="utf-8") == document(TABLE), "type `make docs`"
