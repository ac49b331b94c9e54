"""AWS::Scheduler::Schedule with every property of the API."""

from __future__ import annotations

from localcloud import adapter
from localcloud.adapter import Props, Result

SYMBOLS: tuple[str, ...] = ()

_NAMES = ("GroupName", "Name")


def _create(logical_id: str, props: Props, stack_name: str) -> Result:
    name = props.get("Name") or adapter.physical_name(stack_name, logical_id, max_len=64)
    answer = adapter.call("scheduler", "create_schedule", {**props, "Name": name})
    return name, {"Arn": answer["ScheduleArn"]}


def _update(name: str, old: Props, new: Props, stack_name: str) -> Result:
    """Update the schedule, all of its properties at once; another name or group replaces it."""
    if adapter.changed(old, new, *_NAMES):
        return adapter.replace(_create, adapter.logical_id_of(name), new, stack_name)
    answer = adapter.call("scheduler", "update_schedule", {**new, "Name": name})
    return name, {"Arn": answer["ScheduleArn"]}


def _delete(name: str, props: Props) -> None:
    with adapter.ignore_not_found():
        adapter.client("scheduler").delete_schedule(Name=name, GroupName=props.get("GroupName", "default"))


def install() -> None:
    """Replace MiniStack's resource, which loses properties."""
    adapter.override("AWS::Scheduler::Schedule", create=_create, update=_update, delete=_delete)
