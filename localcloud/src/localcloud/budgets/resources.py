"""Resource type of AWS Budgets: recorded, with the part of their API that MiniStack has."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id

from localcloud import adapter
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = completion.SYMBOLS


def _budget(name: str, props: adapter.Props) -> adapter.Props:
    declared: dict[str, Any] = {**props["Budget"], "BudgetName": name}
    return {"AccountId": get_account_id(), "Budget": declared}


def _budget_create(logical_id: str, props: adapter.Props, stack_name: str) -> adapter.Result:
    name = props["Budget"].get("BudgetName") or adapter.physical_name(stack_name, logical_id, max_len=100)
    wanted = _budget(name, props)
    notifications = props.get("NotificationsWithSubscribers")
    if notifications:
        wanted["NotificationsWithSubscribers"] = notifications
    adapter.call("budgets", "create_budget", wanted)
    return name, {}


def _budget_update(name: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    renamed = new["Budget"].get("BudgetName") not in (None, name)
    if renamed or adapter.changed(old, new, "NotificationsWithSubscribers"):
        adapter.client("budgets").delete_budget(AccountId=get_account_id(), BudgetName=name)
        logical_id = adapter.logical_id_of(name)
        kept = {**new, "Budget": {**new["Budget"], "BudgetName": new["Budget"].get("BudgetName") or name}}
        return _budget_create(logical_id, kept, stack_name)
    wanted = _budget(name, new)
    adapter.call("budgets", "update_budget", {"AccountId": wanted["AccountId"], "NewBudget": wanted["Budget"]})
    return name, {}


def _budget_delete(name: str, _props: adapter.Props) -> None:
    adapter.client("budgets").delete_budget(AccountId=get_account_id(), BudgetName=name)


def install() -> None:
    """Register the missing type."""
    adapter.register("AWS::Budgets::Budget", _budget_create, _budget_delete, _budget_update)
    adapter.RECORDED["AWS::Budgets::Budget"] = "listed by the API; nothing costs anything, so no alarm is ever raised"
