"""Rules that need no other service: VariableCheck and DeploymentWindow."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from localcloud.codepipeline import rules, windows
from localcloud.codepipeline.errors import ActionError

SATURDAY = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("variable", "operator", "value", "expected"),
    [
        ("main", "EQ", "main", True),
        ("main", "EQ", "Main", False),
        ("main", "NE", "dev", True),
        ("main", "NE", "main", False),
        ("feature/x", "CONTAINS", "feature", True),
        ("main", "CONTAINS", "feature", False),
        ("release-12", "MATCHES", r"release-\d+", True),
        ("a release-12", "MATCHES", r"release-\d+", False),
    ],
)
def test_variables_are_compared(variable: str, operator: str, value: str, expected: bool) -> None:
    assert rules.compare(variable, operator, value) is expected


def test_an_unknown_operator_is_named() -> None:
    with pytest.raises(ActionError, match="EQ, NE, CONTAINS, MATCHES, not LIKE"):
        rules.compare("a", "LIKE", "a")


def test_an_unknown_rule_provider_is_named() -> None:
    with pytest.raises(ActionError, match="no rule provider Commands"):
        rules.provider("Commands")


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("* * * * * *", True),
        ("* * * * * ? *", True),
        ("* * 9-17 ? * *", True),
        ("* * 11-17 ? * *", False),
        ("* * * ? * MON-FRI", False),
        ("* * * ? * SAT", True),
        ("* * * ? * 7", True),
        ("* * * ? * FRI-SUN", True),
        ("* 0/15 * * * ?", True),
        ("* 1/15 * * * ?", False),
        ("* 30 10 21 NOV ?", True),
        ("* 30 10 21 NOV ? 2026", True),
        ("* 30 10 21 NOV ? 2027", False),
        ("* 0,30 * * 1,11 ?", True),
    ],
)
def test_a_deployment_window_is_open_at_the_times_of_its_cron_expression(cron: str, expected: bool) -> None:
    assert windows.is_open(cron, SATURDAY) is expected


@pytest.mark.parametrize("cron", ["* * * *", "0 * * * * *", "* * * L * ?", "* * * ? * MON#2"])
def test_a_cron_expression_that_is_not_supported_is_refused(cron: str) -> None:
    with pytest.raises(ActionError):
        windows.is_open(cron, SATURDAY)
