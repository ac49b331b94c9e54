"""The rules that a manifest may forbid, with their meanings."""

from __future__ import annotations

from collections.abc import Mapping

RULES: Mapping[str, str] = {
    "replace-stateful": "a database, bucket, secret or other data store is or may be replaced by a new, empty one",
    "delete-stateful": "a data store is deleted",
    "broaden-iam": "a role gets more permissions, or more principals may assume a role or use a resource",
    "open-network": "a security group allows more traffic, or a resource becomes reachable from the internet",
    "weaken-protection": "deletion protection, backups, retention, encryption or a firewall is reduced or removed",
    "deployment-fails": "CloudFormation would reject the change during the deployment",
    "interrupt": "a resource is interrupted while it is updated",
    "stack-removed": "a stack is removed from the app: it stays deployed, but no code manages it any more",
}
"""The meaning of each word that `review: {forbid: […]}` accepts."""
