"""Every control of the standard has a row, and every row names something that exists."""

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


def wrong(table: Table) -> list[str]:
    """What is wrong with a table, row by row."""
    rows = [each.name for each in table.rows]
    said = [f"{name}: no row" for name in table.standard if name not in rows]
    said += [f"{name}: not in the standard" for name in rows if name not in table.standard]
    for control in table.rows:
        if not control.answers:
            said.append(f"{control.name}: no answer")
        said += [f"{control.name}: {each} does not exist" for each in control.met if not exists(each)]
        said += [
            f"{control.name}: {each} is not accepted anywhere" for each in control.accepted if each not in accepted()
        ]
        said += [f"{control.name}: {each} is no reason" for each in control.reasons.values() if len(each) < 7]
    return said


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
        it.name for it in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(it, ast.FunctionDef)
    )


@cache
def accepted() -> frozenset[str]:
    return frozenset(rule for product in PRODUCTS for each in shipped(product).accepted for rule in each.rules)


@cache
def nag_rules() -> frozenset[str]:
    (archive,) = (Path(cdk_nag.__file__).parent / "_jsii").glob("*.tgz")
    with tarfile.open(archive) as packed:
        text = packed.extractfile("package/RULES.md")
        assert text
        return frozenset(re.findall(r"\b[A-Z][\w.]+-[A-Za-z0-9]+\b", text.read().decode()))


@cache
def checkov_checks() -> frozenset[str]:
    """Its CloudFormation checks, from its source: asking it takes longer than all else here."""
    folders = tools.TOOLS.parent.glob("lib/python*/site-packages/checkov/cloudformation/checks")
    text = "".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))
    return frozenset(re.findall(r"\bCKV_AWS_\d+\b", text))


@pytest.mark.skipif(not tools.TOOLS.exists(), reason="no .venv-policy; `make policy` makes it")
def test_every_control_has_a_row_and_every_row_names_what_exists() -> None:
    assert wrong(TABLE) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (Control("ECS.1", "x"), "no answer"),
        (Control("ECS.1", "x", met=("test:tests/stacks/test_data.py::test_gone",)), "does not exist"),
        (Control("ECS.1", "x", met=("test:tests/gone.py::test_gone",)), "does not exist"),
        (Control("ECS.1", "x", met=("guard:gone",)), "does not exist"),
        (Control("ECS.1", "x", met=("checkov:CKV_AWS_99999",)), "does not exist"),
        (Control("ECS.1", "x", met=("nag:AwsSolutions-GONE1",)), "does not exist"),
        (Control("ECS.1", "x", met=("said",)), "does not exist"),
        (Control("ECS.1", "x", accepted=("AwsSolutions-GONE1",)), "not accepted anywhere"),
        (Control("ECS.1", "x", reasons={"left": "no"}), "is no reason"),
        (Control("ECS.2", "x", reasons={"left": "a reason"}), "not in the standard"),
    ],
)
def test_a_row_that_proves_nothing_is_found(row: Control, said: str) -> None:
    assert any(said in message for message in wrong(Table(("ECS.1",), (row,), "today")))


def test_a_control_without_a_row_is_found() -> None:
    assert wrong(Table(("ECS.1",), (), "today")) == ["ECS.1: no row"]


def test_a_rule_of_nag_is_known() -> None:
    assert exists("nag:AwsSolutions-S1")


def test_the_page_is_the_table() -> None:
    assert PATH.read_text(encoding="utf-8") == document(TABLE), "type `make docs`"
