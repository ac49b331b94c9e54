"""Budgets are created, updated and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.plain import ACCOUNT, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def test_the_limit_of_a_budget_is_updated(plain: Plain) -> None:
    stack, budgets = unique("budget"), plain.client("budgets")

    def template(amount: int) -> dict[str, Any]:
        limit = {"Amount": amount, "Unit": "USD"}
        budget = {"BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": limit}
        return resources(Budget=("AWS::Budgets::Budget", {"Budget": budget}))

    name = plain.deploy(template(10), stack)["Budget"]
    plain.deploy(template(20), stack)
    found = budgets.describe_budget(AccountId=ACCOUNT, BudgetName=name)["Budget"]
    assert float(found["BudgetLimit"]["Amount"]) == 20
    assert plain.delete(stack) == "DELETE_COMPLETE"
