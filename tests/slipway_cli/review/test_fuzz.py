"""For any template, a comparison ends in a report or names the malformed stack."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from slipway_cli.review.assembly import Assembly, Stack
from slipway_cli.review.compare import compare
from slipway_cli.review.errors import ReviewError
from slipway_cli.review.markdown import markdown
from tests.slipway_cli.review.pairs import pairs

JUNK: list[Any] = [None, "", "x", 0, -1, True, [], {}, [[]], [None], {"Ref": 1}, {"Fn::GetAtt": []}, {"Fn::Sub": {}}]
JUNK += [
    {"Fn::Join": ["", None]},
    {"Statement": "x"},
    {"Statement": [{"Effect": "Allow"}]},
    {"Fn::FindInMap": [[]]},
    "*",
]


@cache
def resources() -> dict[str, Any]:
    """Returns one resource of each type in the table."""
    found = {}
    for pair in pairs():
        for resource in pair.after["Resources"].values():
            found[resource["Type"].replace("::", "")] = resource
    return found


def spoiled(value: Any, chance: random.Random) -> Any:
    """Returns a copy with some values replaced by malformed ones."""
    if chance.random() < 0.01:
        return chance.choice(JUNK)
    if isinstance(value, dict):
        return {key: spoiled(inner, chance) if key != "Type" else inner for key, inner in value.items()}
    return [spoiled(item, chance) for item in value] if isinstance(value, list) else value


def assembly(seed: int) -> Assembly:
    template = {
        "Resources": spoiled(resources(), random.Random(seed)),
        "Outputs": spoiled({"O": {"Value": 1}}, random.Random(seed)),
    }
    return Assembly((Stack("s", "e", "1", "eu-west-1", template),))


def outcome(before: Assembly, after: Assembly) -> str:
    try:
        return markdown(compare(before, after, product="shop", base="main"))
    except ReviewError as error:
        return str(error)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_a_malformed_template_gives_a_report_or_a_named_error(first: int, other: int) -> None:
    text = outcome(assembly(first), assembly(other))

    assert text.startswith("<!-- slipway review") or "a template is malformed" in text
