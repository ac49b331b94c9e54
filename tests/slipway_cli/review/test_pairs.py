"""Pairs of templates: each is told as the table in pairs.yaml says."""

from __future__ import annotations

import pytest

from tests.slipway_cli.review.pairs import Pair, access, fate, pairs, report, verdict

PAIRS = pairs()


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_a_pair_is_told_as_the_table_says(pair: Pair) -> None:
    told = report(pair.before, pair.after)

    said = (
        verdict(told, pair.of),
        fate(told, pair.of),
        access(told),
        tuple(sorted({finding.rule for finding in told.findings})),
    )

    assert said == (pair.verdict, pair.fate, pair.access, pair.rules)


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_a_template_that_does_not_change_is_told_so(pair: Pair) -> None:
    assert report(pair.before, pair.before).headline == "nothing changes"


def test_the_table_has_the_traps_of_the_issue() -> None:
    names = {pair.name for pair in PAIRS}

    assert len(PAIRS) == len(names) >= 40
    assert {
        "rename of a database's logical id",
        "another subnet group",
        "major engine upgrade",
        "family of a parameter group",
        "shorter log retention",
        "security group description",
        "task definition",
        "CloudFront behaviours in another order",
        "wildcard narrowed to an ARN",
        "condition dropped from a trust",
    } <= names
