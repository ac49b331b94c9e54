"""Rules for properties whose change replaces a resource only under conditions.

A schema lists these properties (`conditionalCreateOnlyProperties`), but not the conditions. For RDS, AWS's own provider
defines them: github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds, ImmutabilityHelper.java of
DBInstance and DBCluster; the rules below follow it. A property without a rule is reported as `may be replaced`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slipway_cli.review.model import UpdateBehaviour

Properties = Mapping[str, Any]
Outcome = tuple[UpdateBehaviour, str]
Rule = Callable[[Properties, Properties], Outcome]

_REPLACED: Outcome = (UpdateBehaviour.REPLACEMENT, "")
_RESTARTED: Outcome = (UpdateBehaviour.INTERRUPTION, "")
_IN_PLACE: Outcome = (UpdateBehaviour.NO_INTERRUPTION, "")
# RDS converts these engines in place: (from, to).
_CONVERTED = {
    ("aurora", "aurora-mysql"),
    ("oracle-se", "oracle-se2"),
    ("oracle-se1", "oracle-se2"),
    ("oracle-ee", "oracle-ee-cdb"),
    ("oracle-se2", "oracle-se2-cdb"),
}


def _engine(before: Properties, after: Properties) -> Outcome:
    old, new = str(before.get("Engine", "")).lower(), str(after.get("Engine", "")).lower()
    return _RESTARTED if (old, new) in _CONVERTED else _REPLACED


def _zone(_before: Properties, after: Properties) -> Outcome:
    given_up = not after.get("AvailabilityZone") and _true(after.get("MultiAZ"))
    return _RESTARTED if given_up else _REPLACED


def _set_once(name: str) -> Rule:
    """Returns the rule of a property that restores data: setting it replaces the resource, removing it does not."""

    def rule(_before: Properties, after: Properties) -> Outcome:
        return _REPLACED if after.get(name) not in (None, "", False, "false") else _IN_PLACE

    return rule


def _promoted(name: str) -> Rule:
    """Returns the rule of a replica's source: without it, the replica is promoted to a standalone database."""

    def rule(before: Properties, after: Properties) -> Outcome:
        return _RESTARTED if before.get(name) and not after.get(name) else _REPLACED

    return rule


def _insights_key(before: Properties, _after: Properties) -> Outcome:
    return _REPLACED if before.get("PerformanceInsightsKMSKeyId") else _IN_PLACE


def _backups(before: Properties, after: Properties) -> Outcome:
    """Switching backups on or off interrupts, another number of days does not: RDS User Guide, DB instance settings."""
    days = {str(properties.get("BackupRetentionPeriod", 1)) for properties in (before, after)}
    return _RESTARTED if "0" in days else _IN_PLACE


def _restarts(_before: Properties, _after: Properties) -> Outcome:
    return _RESTARTED


def _stays(_before: Properties, _after: Properties) -> Outcome:
    return _IN_PLACE


def _replaced(_before: Properties, _after: Properties) -> Outcome:
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
        # The schema lists these as conditional, but the provider always modifies them in place.
        "DBParameterGroupName": _restarts,
        "BackupRetentionPeriod": _backups,
        "AutoMinorVersionUpgrade": _stays,
        "MultiAZ": _stays,
        "PreferredMaintenanceWindow": _stays,
    },
    # The UpdateTable API accepts neither.
    "AWS::DynamoDB::Table": {"KeySchema": _replaced},
    "AWS::DynamoDB::GlobalTable": {"KeySchema": _replaced, "LocalSecondaryIndexes": _replaced},
}
"""The rules by resource type and property. A rule gets the properties before and after the change."""
