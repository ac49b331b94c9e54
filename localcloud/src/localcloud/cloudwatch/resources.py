"""Resource types of CloudWatch: alarms on metric math, and composite alarms."""

from __future__ import annotations

from ministack.services import cloudwatch

from localcloud import adapter
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = (*completion.SYMBOLS, "ministack.services.cloudwatch:_alarms")

ALARM = "AWS::CloudWatch::Alarm"


def _alarm_arn(name: str) -> str:
    return adapter.arn("cloudwatch", f"alarm:{name}")


def _put_math(name: str, props: adapter.Props) -> adapter.Result:
    """Create an alarm on metric math through the API, since MiniStack's handler refuses it."""
    adapter.call("cloudwatch", "put_metric_alarm", {**props, "AlarmName": name}, ignore={"Tags"})
    cloudwatch._alarms[name]["Metrics"] = props["Metrics"]  # MiniStack's API does not store them
    _tag(name, props)
    return name, {"Arn": _alarm_arn(name)}


def _tag(name: str, props: adapter.Props) -> None:
    tags = completion.tag_list(props.get("Tags"))
    if tags:
        adapter.client("cloudwatch").tag_resource(ResourceARN=_alarm_arn(name), Tags=tags)


def _alarm() -> None:
    original = adapter.builtin(ALARM)

    def create(logical_id: str, props: adapter.Props, stack_name: str) -> adapter.Result:
        if not props.get("Metrics"):
            return original.create(logical_id, props, stack_name)
        return _put_math(props.get("AlarmName") or adapter.physical_name(stack_name, logical_id, max_len=255), props)

    def update(name: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
        if not new.get("Metrics"):
            return original.update(name, old, new, stack_name, adapter.logical_id_of(name))
        if adapter.changed(old, new, "AlarmName"):
            return create(adapter.logical_id_of(name), new, stack_name)
        return _put_math(name, new)

    adapter.override(ALARM, create=create, update=update, send_back_failed_update=True)


# --- composite alarms ------------------------------------------------------------------------------------------------


def _composite_create(logical_id: str, props: adapter.Props, stack_name: str) -> adapter.Result:
    name = props.get("AlarmName") or adapter.physical_name(stack_name, logical_id, max_len=255)
    adapter.call("cloudwatch", "put_composite_alarm", {**props, "AlarmName": name}, ignore={"Tags"})
    _tag(name, props)
    return name, {"Arn": _alarm_arn(name)}


def _composite_update(name: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, "AlarmName"):
        return _composite_create(adapter.logical_id_of(name), new, stack_name)
    return _composite_create("", {**new, "AlarmName": name}, stack_name)


def _composite_delete(name: str, _props: adapter.Props) -> None:
    adapter.client("cloudwatch").delete_alarms(AlarmNames=[name])


def install() -> None:
    """Complete alarms, and register composite alarms."""
    _alarm()
    adapter.register("AWS::CloudWatch::CompositeAlarm", _composite_create, _composite_delete, _composite_update)
