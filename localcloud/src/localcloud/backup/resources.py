"""Resource types of AWS Backup: recorded, with the part of its API that MiniStack has."""

from __future__ import annotations

from localcloud import adapter
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = completion.SYMBOLS


def _selection_create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
    plan = props["BackupPlanId"]
    wanted = {"BackupPlanId": plan, "BackupSelection": props["BackupSelection"]}
    made = adapter.call("backup", "create_backup_selection", wanted)["SelectionId"]
    return f"{made}_{plan}", {"SelectionId": made, "BackupPlanId": plan, "Id": f"{made}_{plan}"}


def _selection_delete(physical_id: str, _props: adapter.Props) -> None:
    selection, plan = physical_id.split("_", 1)
    adapter.client("backup").delete_backup_selection(BackupPlanId=plan, SelectionId=selection)


def install() -> None:
    """Register the missing type."""
    adapter.register("AWS::Backup::BackupSelection", _selection_create, _selection_delete)
    for name in ("BackupVault", "BackupPlan", "BackupSelection"):
        adapter.RECORDED[f"AWS::Backup::{name}"] = "listed by the API; no backup job ever runs"
