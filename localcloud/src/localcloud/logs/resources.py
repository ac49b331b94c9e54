"""Resource types of CloudWatch Logs: unsupported properties are refused, saved queries only recorded."""

from __future__ import annotations

from localcloud import adapter
from localcloud.adapter import Props, Result
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = completion.SYMBOLS


def install() -> None:
    """Refuse unsupported properties, and register query definitions."""
    completion.complete(
        "AWS::Logs::LogGroup",
        {},
        refused=("DataProtectionPolicy", "FieldIndexPolicies", "BearerTokenAuthenticationEnabled"),
    )
    _name_as_cloudformation()
    completion.complete("AWS::Logs::MetricFilter", {}, refused=("ApplyOnTransformedLogs", "FieldSelectionCriteria"))
    adapter.recorded(
        "AWS::Logs::QueryDefinition",
        lambda physical_id, _props: {"QueryDefinitionId": physical_id},
        note="a saved query of Logs Insights; no API lists it",
    )


def _name_as_cloudformation() -> None:
    """Begin a generated name with the stack's name, as AWS does; MiniStack begins it with /aws/cloudformation."""
    original = adapter.builtin("AWS::Logs::LogGroup")

    def create(logical_id: str, props: Props, stack_name: str) -> Result:
        name = props.get("LogGroupName") or adapter.physical_name(stack_name, logical_id, max_len=512)
        return original.create(logical_id, {**props, "LogGroupName": name}, stack_name)

    def update(physical_id: str, old: Props, new: Props, stack_name: str) -> Result:
        logical_id = adapter.logical_id_of(physical_id)
        if old.get("LogGroupName") and not new.get("LogGroupName"):
            name = adapter.physical_name(stack_name, logical_id, max_len=512)
        else:
            name = new.get("LogGroupName") or physical_id
        before = {**old, "LogGroupName": physical_id}
        return original.update(physical_id, before, {**new, "LogGroupName": name}, stack_name, logical_id)

    adapter.override("AWS::Logs::LogGroup", create=create, update=update)
