from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slipway_cli.review.canonical import references, renamed, scrubbed, simplified
from slipway_cli.review.values import differences

scalars = st.one_of(st.booleans(), st.integers(-5, 5), st.text("ab8", max_size=3))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["Name", "A", "B"]), inner)),
)


def paths(before: Any, after: Any) -> list[str]:
    return [".".join(difference.path) for difference in differences(before, after)]


@given(values)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert list(differences(value, value)) == []


@given(values, values)
def test_a_difference_is_found_in_both_directions(before: Any, other: Any) -> None:
    assert bool(paths(before, other)) == bool(paths(other, before))


@given(values)
def test_an_inserted_level_is_always_a_difference(value: Any) -> None:
    assert paths({"A": value}, {"A": {"new": value}}) != []


def test_members_of_a_list_are_matched_by_their_name() -> None:
    before = [{"Name": "web", "Cpu": 1}, {"Name": "log", "Cpu": 1}]
    after = [{"Name": "log", "Cpu": 1}, {"Name": "web", "Cpu": 2}]

    assert [(difference.path, difference.order_only) for difference in differences(before, after)] == [
        (("web", "Cpu"), False),
        ((), True),
    ]
    assert [
        difference.path for difference in differences(before, after, unordered=lambda _: True) if difference.meant
    ] == [("web", "Cpu")]


def test_a_function_is_one_value() -> None:
    (difference,) = differences({"A": {"Ref": "X"}}, {"A": {"Fn::GetAtt": ["X", "Arn"]}})

    assert difference.path == ("A",)


def test_numbers_and_booleans_equal_their_text() -> None:
    assert paths({"Port": 8000, "On": True}, {"Port": "8000", "On": "true"}) == []


def test_hashes_of_assets_and_images_are_ignored() -> None:
    assert scrubbed({"Image": [f"web@sha256:{'a' * 64}"]}) == scrubbed({"Image": [f"web@sha256:{'b' * 64}"]})
    assert scrubbed("a" * 63) == "a" * 63


def test_functions_of_literals_are_resolved() -> None:
    template = {"Mappings": {"M": {"eu": {"ami": "ami-1"}}}}

    assert simplified({"Fn::FindInMap": ["M", "eu", "ami"]}, template) == "ami-1"
    assert simplified({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "ami"]}, template) == {
        "Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "ami"]
    }
    assert simplified({"Fn::Join": ["-", ["a", "b"]]}, template) == "a-b"


def test_references_are_found_and_renamed_in_every_form() -> None:
    value = [{"Ref": "A"}, {"Fn::GetAtt": "A.Arn"}, {"Fn::GetAtt": ["A", "Arn"]}, {"Fn::Sub": "${A}-${A.Arn}-${B}"}]

    assert list(references(value)) == ["A", "A", "A", "A", "A", "B"]
    assert set(references(renamed(value, {"A": "C"}))) == {"B", "C"}
