"""What a manifest may forbid a change to do, and what each word means."""

from __future__ import annotations

from collections.abc import Mapping

RULES: Mapping[str, str] = {
    "replace-stateful": "a database, bucket, secret or other store is replaced, or may be, by a new, empty one",
    "delete-stateful": "a store is deleted",
    "broaden-iam": "a role may do more, more may become a role, or more may use a resource",
    "open-network": "a security group opens, or something begins to face the internet",
    "weaken-protection": "deletion protection, backups, retention, encryption or a firewall is taken back",
    "deployment-fails": "CloudFormation would refuse the change half-way",
    "interrupt": "something stands still while it is changed",
    "stack-removed": "a stack leaves the app: it stays deployed, and nobody looks after it",
}
"""By the word that `review: {forbid: […]}` takes."""
