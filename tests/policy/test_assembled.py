"""The permissions of a synthesized assembly, which the demo uses, are those of the committed templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policy.execution import document
from policy.templates import assembled, templates
from products import load
from tests.support.synthesis import PRODUCTS, shipped


def statements(policies: dict[str, Any]) -> set[str]:
    return {json.dumps(statement, sort_keys=True) for policy in policies.values() for statement in policy["Statement"]}


@pytest.mark.parametrize("name", PRODUCTS)
def test_an_assembly_needs_what_its_committed_templates_need(name: str) -> None:
    product, synthesized = load(name), assembled(shipped(name).folder)
    account = product.tooling.account

    assert set(synthesized) == set(templates(name))
    assert statements(document.policies([product], account, lambda _: synthesized)) == statements(
        document.policies([product], account)
    )


def test_a_product_without_committed_templates_has_a_boundary_that_is_no_free_hand() -> None:
    product = load(PRODUCTS[0])
    account = product.tooling.account
    bare = document.policies([product], account, lambda _: {})

    assert statements(bare) == set()


def write(folder: Path, template: dict[str, Any]) -> Path:
    artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "own.json", "stackName": "own"}}
    (folder / "assembly-own").mkdir()
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"assembly-own": {"type": "cdk:cloud-assembly"}}}))
    (folder / "assembly-own" / "manifest.json").write_text(json.dumps({"artifacts": {"Own": artifact}}))
    (folder / "assembly-own" / "own.json").write_text(json.dumps(template))
    return folder


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"Fn::GetAtt": ["Role", "Arn"]}, {"GetAtt": "Role.Arn"}),
        ({"Fn::GetAtt": "Role.Arn"}, {"GetAtt": "Role.Arn"}),
        ({"Fn::Join": ["", [{"Fn::ImportValue": "name"}]]}, {"Join": ["", [{"ImportValue": "name"}]]}),
        ({"Ref": "AWS::Region"}, {"Ref": "AWS::Region"}),
        ({"Fn::GetAtt": ["Role", "Arn"], "Other": 1}, {"Fn::GetAtt": ["Role", "Arn"], "Other": 1}),
    ],
)
def test_functions_are_read_as_the_committed_templates_write_them(written: Any, read: Any, tmp_path: Path) -> None:
    folder = write(tmp_path, {"Resources": {"Of": {"Properties": {"Value": written}}}})

    assert assembled(folder) == {"own": {"Resources": {"Of": {"Properties": {"Value": read}}}}}
