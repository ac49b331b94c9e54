"""Each template equals the committed one, so that reviewers see changes that no test asserts."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from paths import ROOT
from tests.support.snapshots import FOLDER, HEADER, expected, normalized
from tests.support.synthesis import PRODUCTS

_LINES = 40  # of a difference, about one screen


def difference(path: Path, text: str) -> str:
    """Returns the first lines of a difference, and what to type; empty if there is none."""
    committed = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = list(
        difflib.unified_diff(committed.splitlines(), text.splitlines(), "committed", "synthesised", lineterm="", n=2)
    )
    if not lines:
        return ""
    more = [f"… {len(lines) - _LINES} more lines"] if len(lines) > _LINES else []
    name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    return "\n".join([f"{name}: if this is intended, type `make snapshots` and commit it", *lines[:_LINES], *more])


@pytest.mark.parametrize("product", PRODUCTS)
def test_templates_equal_the_committed_ones(product: str, update: bool) -> None:
    if update:
        for path, template in expected(product).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(template, encoding="utf-8")

    differences = [text for path, template in expected(product).items() if (text := difference(path, template))]
    if differences:
        pytest.fail("\n\n".join(differences), pytrace=False)


def test_no_snapshot_is_left_over(update: bool) -> None:
    left_over = set(FOLDER.glob("*/*.yaml")) - {path for product in PRODUCTS for path in expected(product)}
    if update:
        for path in left_over:
            path.unlink()

    assert [path for path in left_over if path.exists()] == [], "type `make snapshots`"


def test_a_changed_template_shows_a_small_difference_and_what_to_type(tmp_path: Path) -> None:
    path = tmp_path / "stack.yaml"
    path.write_text(normalized({"Resources": {"A": {"Type": "T", "Properties": {"Cpu": "512"}}}}))
    changed = normalized({"Resources": {"A": {"Type": "T", "Properties": {"Cpu": "1024"}}}})

    shown = difference(path, changed)

    assert "make snapshots" in shown
    assert [line for line in shown.splitlines() if line[0] in "+-" and line[1] == " "] == [
        "-      Cpu: '512'",
        "+      Cpu: '1024'",
    ]


def test_a_changed_asset_hash_is_ignored() -> None:
    before, other = ({"Resources": {"F": {"S3Key": f"{digit * 64}.zip"}}} for digit in "ab")

    assert normalized(before) == normalized(other)


def test_logical_ids_are_shown_without_their_hash_everywhere() -> None:
    template = {
        "Resources": {
            "Web1A2B3C4D": {"Type": "T", "Properties": {"Of": {"Ref": "LogsAAAA0000"}}, "DependsOn": ["LogsAAAA0000"]},
            "LogsAAAA0000": {"Type": "T"},
        },
        "Outputs": {"ExportsOutputFnGetAttLogsAAAA0000Arn12345678": {"Value": {"Fn::GetAtt": ["LogsAAAA0000", "Arn"]}}},
    }

    assert normalized(template).removeprefix(HEADER) == (
        "Outputs:\n  ExportsOutputFnGetAttLogsArn:\n    Value: !GetAtt Logs.Arn\n"
        "Resources:\n  Logs:\n    Type: T\n  Web:\n    DependsOn:\n    - Logs\n    Properties:\n      Of: !Ref Logs\n"
        "    Type: T\n"
    )


def test_ids_that_differ_only_in_their_hash_keep_it() -> None:
    template = {"Resources": {"Web1A2B3C4D": {"Type": "T"}, "WebAAAA0000": {"Type": "T"}}}

    assert "Web1A2B3C4D" in normalized(template)
    assert "WebAAAA0000" in normalized(template)


def test_a_resource_begins_with_its_type_and_other_keys_are_sorted() -> None:
    shown = normalized({"Resources": {"A": {"Properties": {"B": 1, "A": 2}, "Type": "AWS::SQS::Queue"}}})

    assert shown.endswith("  A:\n    Type: AWS::SQS::Queue\n    Properties:\n      A: 2\n      B: 1\n")


def test_json_in_a_text_is_shown_line_by_line() -> None:
    shown = normalized({"Resources": {"A": {"Spec": '{"phases": {"build": 1}}'}}})

    assert shown.endswith("    Spec: !Json\n      phases:\n        build: 1\n")


def test_joined_texts_are_shown_as_one() -> None:
    joined = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", {"Fn::GetAtt": ["B", "Name"]}, "/${x}"]]}

    assert "Of: !Sub arn:${AWS::Partition}:s3:::${B.Name}/${!x}" in normalized({"Resources": {"A": {"Of": joined}}})
