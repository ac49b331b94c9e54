"""The resources for which IAM authorizes a call that joins a volume and an instance: both, with their tags.

The tags are `aws:ResourceTag/KEY` and `ec2:ResourceTag/KEY`. MiniStack asks for the instance alone, without its tags.
docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_actions:access_denied_response",
    "ministack.core.iam_actions:extract_iam_action",
    "ministack.core.iam_evaluator:enforce",
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
    "ministack.services.ec2:_tags",
)

_JOINING = {"ec2:AttachVolume", "ec2:DetachVolume"}
_RESOURCES = {"VolumeId": "volume", "InstanceId": "instance"}
_request: contextvars.ContextVar[Mapping[str, str]] = contextvars.ContextVar(
    "localcloud_ec2_request", default=MappingProxyType({})
)
_denied: contextvars.ContextVar[str] = contextvars.ContextVar("localcloud_ec2_denied", default="")


def _resources() -> Iterator[tuple[str, dict[str, str]]]:
    """Yields the ARN and the condition keys of each resource of the request."""
    for parameter, kind in _RESOURCES.items():
        if key := _request.get().get(parameter):
            tags = {tag["Key"]: tag["Value"] for tag in ec2._tags.get(key) or []}
            arn = f"arn:aws:ec2:{get_region()}:{get_account_id()}:{kind}/{key}"
            keys = {f"{prefix}:ResourceTag/{name}": tags[name] for prefix in ("aws", "ec2") for name in tags}
            yield arn, keys


def install() -> None:
    """Authorize these calls for each of their resources."""
    extract, enforce, respond = (
        iam_actions.extract_iam_action,
        iam_evaluator.enforce,
        iam_actions.access_denied_response,
    )

    def extracting(service: str, method: str, path: str, *rest: Any) -> str | None:
        action: str | None = extract(service, method, path, *rest)
        _denied.set("")
        if action in _JOINING:
            _request.set(dict(parse_qsl(rest[1].decode(errors="replace"))))
        return action

    def enforcing(access_key_id: str, iam_action: str, service: str, region: str, **about: Any) -> object:
        resources = list(_resources()) if iam_action in _JOINING else []
        if not resources:
            return enforce(access_key_id, iam_action, service, region, **about)
        for arn, keys in resources:
            more = {"resource_arn": arn, "service_context": {**(about.get("service_context") or {}), **keys}}
            denied: object = enforce(access_key_id, iam_action, service, region, **{**about, **more})
            if denied is not None:
                _denied.set(arn)
                return denied
        return None

    def responding(service: str, action: str, principal_arn: str, request_id: str, **details: Any) -> object:
        if service == "ec2" and _denied.get():
            details["resource_arn"] = _denied.get()
        return respond(service, action, principal_arn, request_id, **details)

    iam_actions.extract_iam_action = extracting
    iam_evaluator.enforce = enforcing
    iam_actions.access_denied_response = responding
