"""Determines what happens to the data of a removed resource, from its removal policies and AWS's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway_cli.review import schemas
from slipway_cli.review.canonical import references
from slipway_cli.review.model import Fate

Json = dict[str, Any]
_KEPT = frozenset({"Retain", "RetainExceptOnCreate"})
# Their default DeletionPolicy is Snapshot: docs.aws.amazon.com, DeletionPolicy attribute. The page has no such default
# for UpdateReplacePolicy.
_SNAPSHOT_BY_DEFAULT = frozenset({"AWS::RDS::DBCluster", "AWS::RDS::DBInstance"})
_EMPTIED_BY = "Custom::S3AutoDeleteObjects"


def when_deleted(logical_id: str, before: Mapping[str, Json]) -> Fate:
    """Returns the fate of a resource that the new template lacks; the deployed template's policy applies."""
    resource = before[logical_id]
    kind = resource["Type"]
    if not schemas.stateful(kind):
        return Fate.NONE
    policy = resource.get("DeletionPolicy")
    if policy is None and kind in _SNAPSHOT_BY_DEFAULT and not _properties(resource).get("DBClusterIdentifier"):
        policy = "Snapshot"
    return _fate(logical_id, policy, before)


def when_replaced(logical_id: str, before: Mapping[str, Json], after: Mapping[str, Json]) -> Fate:
    """Returns the fate of a resource that is replaced under the same logical id; the new template's policy applies."""
    resource = after[logical_id]
    if not schemas.stateful(resource["Type"]):
        return Fate.NONE
    return _fate(logical_id, resource.get("UpdateReplacePolicy"), before)


def empties_itself(logical_id: str, template: Mapping[str, Json]) -> bool:
    """True if the content of a bucket or repository is deleted automatically before the resource."""
    resource = template[logical_id]
    if str(_properties(resource).get("EmptyOnDelete", "")).lower() == "true":
        return True
    return any(other["Type"] == _EMPTIED_BY and logical_id in references(other) for other in template.values())


def _fate(logical_id: str, policy: object, before: Mapping[str, Json]) -> Fate:
    if policy in _KEPT:
        return Fate.KEPT
    if policy == "Snapshot":
        return Fate.SNAPSHOT
    if schemas.deleted_only_when_empty(before[logical_id]["Type"]) and not empties_itself(logical_id, before):
        return Fate.KEPT
    return Fate.LOST


def _properties(resource: Json) -> Json:
    found = resource.get("Properties")
    return found if isinstance(found, dict) else {}
