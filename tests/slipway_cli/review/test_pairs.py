"""The verdict on each pair of templates is the one in pairs.yaml."""

from __future__ import annotations

import pytest

from tests.slipway_cli.review.pairs import Pair, access, fate, pairs, report, verdict

PAIRS = pairs()


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_a_pair_gets_the_verdict_of_the_table(pair: Pair) -> None:
    found = report(pair.before, pair.after)

    verdicts = (
        verdict(found, pair.resource),
        fate(found, pair.resource),
        access(found),
        tuple(sorted({finding.rule for finding in found.findings})),
    )

    assert verdicts == (pair.verdict, pair.fate, pair.access, pair.rules)


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_an_unchanged_template_gives_an_empty_report(pair: Pair) -> None:
    assert report(pair.before, pair.before).headline == "nothing changes"


def test_the_table_has_the_well_known_traps() -> None:
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
        "condition removed from a trust policy",
    } <= names
