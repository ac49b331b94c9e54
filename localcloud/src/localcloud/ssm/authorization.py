"""The resources for which IAM authorizes calls of Systems Manager: documents, instances, associations, sessions.

A call that names a document and nodes needs permission for the document and for each node, with the tags of the node
as `aws:ResourceTag/KEY` and `ssm:resourceTag/KEY`. Targets that match no node are authorized for `instance/*` with the
tags that they ask for.
docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
"""

from __future__ import annotations

import contextvars
import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2

from localcloud.ssm import targets

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_actions:access_denied_response",
    "ministack.core.iam_actions:extract_iam_action",
    "ministack.core.iam_evaluator:enforce",
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
    "ministack.services.ec2:_tags",
)

_REACHES_NODES = {"ssm:SendCommand", "ssm:CreateAssociation", "ssm:UpdateAssociation", "ssm:StartSession"}
_request: contextvars.ContextVar[Mapping[str, Any]] = contextvars.ContextVar(
    "localcloud_ssm_request", default=MappingProxyType({})
)
_denied: contextvars.ContextVar[str] = contextvars.ContextVar("localcloud_ssm_denied", default="")


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
        known = ec2._tags.get(str(key)) or []
        yield arn + str(key), {tag["Key"]: tag["Value"] for tag in known}
    if listed and not ids:
        yield arn + "*", _asked(listed)


def _context(tags: Mapping[str, str]) -> dict[str, str]:
    prefixes = ("aws:ResourceTag", "ssm:resourceTag")
    return {f"{prefix}/{key}": value for prefix in prefixes for key, value in tags.items()}


def install() -> None:
    """Authorize calls that reach nodes for each of them, once the document itself is allowed."""
    extract, enforce, respond = (
        iam_actions.extract_iam_action,
        iam_evaluator.enforce,
        iam_actions.access_denied_response,
    )

    def extracting(service: str, method: str, path: str, *rest: Any) -> str | None:
        action: str | None = extract(service, method, path, *rest)
        _denied.set("")
        _request.set(_body(rest[1]) if action in _REACHES_NODES else {})
        return action

    def enforcing(access_key_id: str, iam_action: str, service: str, region: str, **about: Any) -> object:
        if iam_action not in _REACHES_NODES:
            return enforce(access_key_id, iam_action, service, region, **about)
        reached = list(resources(iam_action, _request.get()))
        own = _context(dict(reached).get(str(about.get("resource_arn")), {}))
        about["service_context"] = {**(about.get("service_context") or {}), **own}
        denied: object = enforce(access_key_id, iam_action, service, region, **about)
        if denied is not None:
            return denied
        for arn, tags in reached:
            more = {"resource_arn": arn, "service_context": _context(tags)}
            denied = enforce(access_key_id, iam_action, service, region, **more)
            if denied is not None:
                _denied.set(arn)
                return denied
        return None

    def responding(service: str, action: str, principal_arn: str, request_id: str, **details: Any) -> object:
        if service == "ssm" and _denied.get():
            details["resource_arn"] = _denied.get()
        return respond(service, action, principal_arn, request_id, **details)

    iam_actions.extract_iam_action = extracting
    iam_evaluator.enforce = enforcing
    iam_actions.access_denied_response = responding


def _body(body: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
