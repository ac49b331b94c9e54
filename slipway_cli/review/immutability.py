"""Where a schema says that a change replaces a resource only sometimes: when.

Schemas do not carry the condition (`conditionalCreateOnlyProperties`). For RDS it stands in AWS's own provider,
github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds, ImmutabilityHelper.java of DBInstance and
DBCluster; the rules below say the same. What has no rule here is reported as `may be replaced`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slipway_cli.review.model import UpdateBehaviour

Properties = Mapping[str, Any]
Verdict = tuple[UpdateBehaviour, str]
Rule = Callable[[Properties, Properties], Verdict]

_REPLACED: Verdict = (UpdateBehaviour.REPLACEMENT, "")
_RESTARTED: Verdict = (UpdateBehaviour.INTERRUPTION, "")
_IN_PLACE: Verdict = (UpdateBehaviour.NO_INTERRUPTION, "")
# Engines that RDS converts into one another, from and to.
_CONVERTED = {
    ("aurora", "aurora-mysql"),
    ("oracle-se", "oracle-se2"),
    ("oracle-se1", "oracle-se2"),
    ("oracle-ee", "oracle-ee-cdb"),
    ("oracle-se2", "oracle-se2-cdb"),
}


def _engine(before: Properties, after: Properties) -> Verdict:
    old, new = str(before.get("Engine", "")).lower(), str(after.get("Engine", "")).lower()
    return _RESTARTED if (old, new) in _CONVERTED else _REPLACED


def _zone(_before: Properties, after: Properties) -> Verdict:
    given_up = not after.get("AvailabilityZone") and _true(after.get("MultiAZ"))
    return _RESTARTED if given_up else _REPLACED


def _set_once(name: str) -> Rule:
    """A value that restores from something: a new one makes another resource, taking it away does nothing."""

    def rule(_before: Properties, after: Properties) -> Verdict:
        return _REPLACED if after.get(name) not in (None, "", False, "false") else _IN_PLACE

    return rule


def _promoted(name: str) -> Rule:
    """What a replica copies from: taken away, the replica becomes a database of its own."""

    def rule(before: Properties, after: Properties) -> Verdict:
        return _RESTARTED if before.get(name) and not after.get(name) else _REPLACED

    return rule


def _insights_key(before: Properties, _after: Properties) -> Verdict:
    return _REPLACED if before.get("PerformanceInsightsKMSKeyId") else _IN_PLACE


def _backups(before: Properties, after: Properties) -> Verdict:
    """Only to begin or to end them interrupts: RDS User Guide, settings for DB instances."""
    days = {str(properties.get("BackupRetentionPeriod", 1)) for properties in (before, after)}
    return _RESTARTED if "0" in days else _IN_PLACE


def _restarts(_before: Properties, _after: Properties) -> Verdict:
    return _RESTARTED


def _stays(_before: Properties, _after: Properties) -> Verdict:
    return _IN_PLACE


def _replaced(_before: Properties, _after: Properties) -> Verdict:
    return _REPLACED


def _true(value: object) -> bool:
    return value is True or str(value).lower() == "true"


RULES: Mapping[str, Mapping[str, Rule]] = {
    "AWS::RDS::DBInstance": {
        "Engine": _engine,
        "AvailabilityZone": _zone,
        "PerformanceInsightsKMSKeyId": _insights_key,
        "SourceDBInstanceIdentifier": _promoted("SourceDBInstanceIdentifier"),
        "SourceDBClusterIdentifier": _promoted("SourceDBClusterIdentifier"),
        **{
            name: _set_once(name)
            for name in (
                "DBSnapshotIdentifier",
                "DBClusterSnapshotIdentifier",
                "UseLatestRestorableTime",
                "RestoreTime",
                "SourceDBInstanceAutomatedBackupsArn",
                "SourceDbiResourceId",
            )
        },
        # Conditional by the schema, yet the provider asks nothing about them: they are modified in place.
        "DBParameterGroupName": _restarts,
        "BackupRetentionPeriod": _backups,
        "AutoMinorVersionUpgrade": _stays,
        "MultiAZ": _stays,
        "PreferredMaintenanceWindow": _stays,
    },
    # UpdateTable takes neither.
    "AWS::DynamoDB::Table": {"KeySchema": _replaced},
    "AWS::DynamoDB::GlobalTable": {"KeySchema": _replaced, "LocalSecondaryIndexes": _replaced},
}
"""By type and property: what a change does, from the properties before and after."""
