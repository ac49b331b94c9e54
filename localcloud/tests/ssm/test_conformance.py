"""Checks that the tests in the table of documented behaviours exist."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.ssm.conformance import TABLE, Row

HERE = Path(__file__).parent


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.behaviour)
def test_every_documented_behaviour_has_its_source_and_its_test(row: Row) -> None:
    assert row.source.startswith("https://docs.aws.amazon.com/")
    module, _, name = row.test.partition("::")
    tree = ast.parse((HERE / module).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_no_behaviour_is_listed_twice() -> None:
    assert len({row.behaviour for row in TABLE}) == len(TABLE)
