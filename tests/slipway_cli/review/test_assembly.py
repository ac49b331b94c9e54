from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slipway_cli.review.assembly import LARGEST_TEMPLATE, Assembly, comparable, read
from slipway_cli.review.errors import ReviewError


def assembly(folder: Path, template: object, **properties: Any) -> Path:
    folder.mkdir(exist_ok=True)
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://111122223333/eu-west-1",
        "properties": {"templateFile": "s.template.json", "stackName": "shop-data", **properties},
        "displayName": "production/Data",
        "metadata": {"/production/Data/Db/Resource": [{"type": "aws:cdk:logicalId", "data": "DbF00"}]},
    }
    (folder / "manifest.json").write_text(json.dumps({"version": "55.0.0", "artifacts": {"s": artifact}}))
    (folder / "s.template.json").write_text(template if isinstance(template, str) else json.dumps(template))
    return folder


def test_a_stack_knows_its_name_its_environment_and_its_constructs(tmp_path: Path) -> None:
    (stack,) = read(assembly(tmp_path, {"Resources": {"DbF00": {"Type": "AWS::RDS::DBInstance"}}})).stacks

    assert (stack.name, stack.environment, stack.account, stack.region) == (
        "shop-data",
        "production",
        "111122223333",
        "eu-west-1",
    )
    assert stack.path("DbF00") == "Db"
    assert stack.path("Unknown") == "Unknown"


def test_a_folder_without_an_assembly_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ReviewError, match=r"manifest\.json: cannot be read .* not a folder that `cdk synth` wrote"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_a_damaged_template_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(ReviewError, match=r"s\.template\.json"):
        read(assembly(tmp_path, text))


def test_a_template_over_the_size_limit_is_refused_with_both_sizes(tmp_path: Path) -> None:
    with pytest.raises(ReviewError, match=r"1,0\d\d,\d\d\d bytes; CloudFormation accepts 1,048,576"):
        read(assembly(tmp_path, {"Description": "x" * LARGEST_TEMPLATE}))


def test_too_many_resources_are_refused_with_their_number(tmp_path: Path) -> None:
    with pytest.raises(ReviewError, match="501 resources; CloudFormation accepts 500"):
        read(assembly(tmp_path, {"Resources": {f"R{i}": {"Type": "T"} for i in range(501)}}))


def test_an_assembly_of_another_cdk_version_gives_a_warning() -> None:
    assert comparable(Assembly((), "54.0.0"), Assembly((), "55.0.0")).startswith(
        "the base was synthesized by another version of CDK (assembly schema 54.0.0, now 55.0.0)"
    )
    assert comparable(Assembly((), "55.0.0"), Assembly((), "55.0.0")) == ""
