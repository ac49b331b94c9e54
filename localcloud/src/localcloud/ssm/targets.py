"""The managed nodes to which a command, an association or a list refers.

docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-multiple.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ministack.core.responses import get_account_id, get_region

from localcloud.ssm.agent import FLEET, Node
from localcloud.ssm.errors import ServiceError, unsupported

SYMBOLS: tuple[str, ...] = ("ministack.core.responses:get_account_id", "ministack.core.responses:get_region")

Target = Mapping[str, Any]
_IDS = ("InstanceIds", "instanceids")
_TAG = "tag:"


def check(targets: Sequence[Target]) -> None:
    """Checks the keys of targets.

    Raises:
        ServiceError: `InvalidTarget`, or a message that names what the local cloud does not support.
    """
    for target in targets:
        key = str(target.get("Key", ""))
        if key.startswith("resource-groups:"):
            raise unsupported("targets of a resource group")
        if key not in _IDS and key != "tag-key" and not (key.startswith(_TAG) and len(key) > len(_TAG)):
            raise ServiceError(
                "InvalidTarget", f"The target {key} is not valid: write InstanceIds, tag:NAME or tag-key."
            )
        if not target.get("Values"):
            raise ServiceError("InvalidTarget", f"The target {key} needs values.")
        if key in _IDS and len(targets) > 1:
            raise ServiceError("InvalidTarget", "InstanceIds cannot be combined with other targets.")


def matches(node: Node, targets: Sequence[Target]) -> bool:
    """True if a node matches all of the targets; one value of each is enough."""
    return bool(targets) and all(_matches(node, str(target["Key"]), target["Values"]) for target in targets)


def _matches(node: Node, key: str, values: Collection[str]) -> bool:
    if key in _IDS:
        return node.instance_id in values or "*" in values
    if key == "tag-key":
        return bool(node.tags.keys() & set(values))
    return node.tags.get(key.removeprefix(_TAG), None) in set(values)


def resolve(targets: Sequence[Target], account: str, region: str) -> list[str]:
    """Returns the IDs of the nodes that match targets, also of those without connection now."""
    return [node.instance_id for node in FLEET.nodes(account, region) if matches(node, targets)]


def here(targets: Sequence[Target]) -> list[str]:
    """Returns the same in the current account and region."""
    return resolve(targets, get_account_id(), get_region())


def require(instance_ids: Sequence[str]) -> None:
    """Checks that each ID is one of a node with a connection.

    Raises:
        ServiceError: `InvalidInstanceId` or `DuplicateInstanceId`.
    """
    account, region = get_account_id(), get_region()
    nodes = {node.instance_id for node in FLEET.nodes(account, region)}
    bad = [wanted for wanted in instance_ids if wanted not in nodes or not FLEET.online(wanted)]
    if bad:
        message = f"Instances [[{', '.join(bad)}]] not in a valid state for account {account}"
        raise ServiceError("InvalidInstanceId", message)
    if len(set(instance_ids)) != len(instance_ids):
        raise ServiceError("DuplicateInstanceId", "A managed node is named twice.")
