"""The resources for which IAM authorizes calls of Systems Manager: documents, instances, tasks, associations, sessions.

A call that names a document and nodes needs permission for the document and for each node, with the tags of the node
as `aws:ResourceTag/KEY` and `ssm:resourceTag/KEY`. Targets that match no node are authorized for `instance/*` with the
tags that they ask for.
docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2

from localcloud.iam import several
from localcloud.iam.several import Reached
from localcloud.ssm import forwarding, targets

SYMBOLS: tuple[str, ...] = (
    *several.SYMBOLS,
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
    "ministack.services.ec2:_tags",
)

_REACHES_NODES = frozenset(
    {"ssm:SendCommand", "ssm:CreateAssociation", "ssm:UpdateAssociation", "ssm:StartSession"},
)


def _asked(listed: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Returns the tags that targets ask for."""
    found = [(str(target.get("Key", "")), target.get("Values") or []) for target in listed]
    return {key.removeprefix("tag:"): values[0] for key, values in found if key.startswith("tag:") and values}


def _list(request: Mapping[str, Any], name: str) -> list[Any]:
    """Returns a list of a request that has not been validated yet."""
    found = request.get(name)
    return found if isinstance(found, list) else []


def resources(action: str, request: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yields the ARN and the tags of each resource beside the document: instances, and for a new association itself.

    An association that has its targets by tag is authorized for no instance.
    """
    account, region = get_account_id(), get_region()
    listed = [target for target in _list(request, "Targets") if isinstance(target, dict)]
    if action.endswith("Association"):
        listed = [target for target in listed if str(target.get("Key", "")).lower() == "instanceids"]
        if action == "ssm:CreateAssociation":
            yield f"arn:aws:ssm:{region}:{account}:association/*", {}
    single = [request[key] for key in ("InstanceId", "Target") if request.get(key)]
    ids = [*single, *_list(request, "InstanceIds")]
    usable = bool(listed) and all(target.get("Key") and target.get("Values") for target in listed)
    ids += targets.here(listed) if usable else []
    arn = f"arn:aws:ec2:{region}:{account}:instance/"
    for key in ids:
        if task := forwarding.parts(str(key)):
            yield f"arn:aws:ecs:{region}:{account}:task/{task[0]}/{task[1]}", {}
            continue
        known = ec2._tags.get(str(key)) or []
        yield arn + str(key), {tag["Key"]: tag["Value"] for tag in known}
    if listed and not ids:
        yield arn + "*", _asked(listed)


def _reached(action: str, body: bytes) -> list[Reached]:
    return [Reached(arn, several.tagged(tags, "ssm:resourceTag")) for arn, tags in resources(action, _body(body))]


def install() -> None:
    """Authorize calls that reach nodes for each of them, once the document itself is allowed."""
    several.authorize_each("ssm", _REACHES_NODES, _reached, named_first=True)


def _body(body: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
