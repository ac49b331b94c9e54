"""Finds weakened protections of data and traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from slipway_cli.review.model import Action, Finding, PropertyChange, ResourceChange, Severity
from slipway_cli.review.words import noun, property_name, value

Weakened = Callable[[object, object], bool]


def _switched_off(before: object, after: object) -> bool:
    return str(before).lower() in ("true", "enabled", "on") and str(after).lower() not in ("true", "enabled", "on")


def _less(before: object, after: object) -> bool:
    try:
        return float(str(after)) < float(str(before))
    except ValueError:
        return before is not None and after is None


def _gone(before: object, after: object) -> bool:
    return bool(before) and not after


_KEEPS = ("Retain", "RetainExceptOnCreate", "Snapshot")


def _no_longer_kept(before: object, after: object) -> bool:
    return before in _KEEPS and after not in _KEEPS


def _plain_http(before: object, after: object) -> bool:
    return after == "allow-all" and before != after


_STORES_ONLY = {"DeletionPolicy": _no_longer_kept, "UpdateReplacePolicy": _no_longer_kept}
# By the last part of the property's path, because the property means the same at any depth.
_ALWAYS: dict[str, Weakened] = {
    "DeletionProtection": _switched_off,
    "DeletionProtectionEnabled": _switched_off,
    "BackupRetentionPeriod": _less,
    "SnapshotRetentionLimit": _less,
    "MultiAZ": _switched_off,
    "MultiAZEnabled": _switched_off,
    "AutomaticFailoverEnabled": _switched_off,
    "StorageEncrypted": _switched_off,
    "AtRestEncryptionEnabled": _switched_off,
    "TransitEncryptionEnabled": _switched_off,
    "PointInTimeRecoveryEnabled": _switched_off,
    "EnableKeyRotation": _switched_off,
    "WebACLId": _gone,
    "ViewerProtocolPolicy": _plain_http,
    "[deletion_protection.enabled].Value": _switched_off,
}
_RETENTION = "RetentionInDays"


def weakened_protections(change: ResourceChange) -> Iterator[Finding]:
    """Yields the protections that a change removes from an existing resource."""
    if change.action is not Action.UPDATE:
        return
    for property_change in change.properties:
        yield from _findings(change, property_change)


def _findings(change: ResourceChange, property_change: PropertyChange) -> Iterator[Finding]:
    last = property_change.path.partition("LoadBalancerAttributes.")[2] or property_change.path.rpartition(".")[2]
    rules = {**_ALWAYS, **(_STORES_ONLY if change.stateful else {})}
    weakened = rules.get(last) or (_switched_off if "VersioningConfiguration" in property_change.path else None)
    before, after = property_change.before, property_change.after
    description = f"{noun(change.path)}: {property_name(property_change.path)} {value(before)} → {value(after)}"
    if weakened and weakened(before, after):
        yield Finding("weaken-protection", Severity.WARNING, change.stack, change.path, description)
    if (
        last == _RETENTION
        and property_change.after is not None
        and (property_change.before is None or _less(property_change.before, property_change.after))
    ):
        words = f"{description}; **older log events are deleted**"
        yield Finding("weaken-protection", Severity.WARNING, change.stack, change.path, words)
