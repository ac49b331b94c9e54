"""CloudWatch Logs: what the log groups here cannot do is refused, saved queries are kept on record."""

from __future__ import annotations

from local import adapter
from local.resources import completion

SYMBOLS: tuple[str, ...] = completion.SYMBOLS


def install() -> None:
    """Refuse what would be dropped; record queries."""
    completion.complete(
        "AWS::Logs::LogGroup",
        {},
        refused=("DataProtectionPolicy", "FieldIndexPolicies", "BearerTokenAuthenticationEnabled"),
    )
    completion.complete("AWS::Logs::MetricFilter", {}, refused=("ApplyOnTransformedLogs", "FieldSelectionCriteria"))
    adapter.recorded(
        "AWS::Logs::QueryDefinition",
        lambda physical_id, _props: {"QueryDefinitionId": physical_id},
        note="a saved query of Logs Insights; nothing lists it",
    )
