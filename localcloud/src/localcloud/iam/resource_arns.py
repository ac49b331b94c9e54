"""Determines the ARN of the resource in a request, where MiniStack returns another resource or none.

A policy for `service/demo/web` must be compared with `service/demo/web`, not with the cluster; one for a log group
ends in `:*` and must match a log stream. For services outside `_NAMERS`, MiniStack's ARN is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from ministack.core import iam_actions
from ministack.services import iam

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_actions:extract_resource_arn",
    "ministack.core.iam_actions:SERVICE_TO_IAM_NAMESPACE",
    "ministack.services.iam:_roles",
)

# Services that this package adds. MiniStack enforces policies only for services with an IAM namespace.
ADDED_SERVICES = ("codepipeline", "codeconnections", "codestar-connections", "application-autoscaling")

# The ARN of a key value store is in the path of every request to it.
_STORE = re.compile(r"^/key-value-stores/(arn:[^/]+/[^/]+)")
Namer = Callable[[str, Mapping[str, Any], "Place"], str | None]


class Place:
    """The account and region of a request, for its ARNs."""

    def __init__(self, region: str, account: str) -> None:
        self.region = region
        self.account = account

    def arn(self, service: str, resource: str) -> str:
        """Returns the regional ARN of a resource; an ARN is returned unchanged."""
        return resource if resource.startswith("arn:") else f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _ecs(action: str, body: Mapping[str, Any], place: Place) -> str | None:
    cluster = _last(str(body.get("cluster") or "default"))
    service = body.get("service") or body.get("serviceName") or next(iter(body.get("services") or []), None)
    if action in {"CreateService", "UpdateService", "DeleteService", "DescribeServices"} and service:
        return place.arn("ecs", f"service/{cluster}/{_last(str(service))}")
    if action in {"RunTask", "StartTask"}:
        return _task_definition(str(body.get("taskDefinition", "*")), place)
    if action in {"RegisterTaskDefinition", "DeregisterTaskDefinition"}:
        return _task_definition(str(body.get("taskDefinition") or body.get("family") or "*"), place)
    task = body.get("task") or next(iter(body.get("tasks") or []), None)
    if action in {"StopTask", "DescribeTasks", "ExecuteCommand"} and task:
        return place.arn("ecs", f"task/{cluster}/{_last(str(task))}")
    if action in {"DescribeTaskDefinition", "ListTaskDefinitions", "ListClusters", "CreateCluster"}:
        return "*"
    return None


def _task_definition(name: str, place: Place) -> str:
    if name.startswith("arn:"):
        return name
    return place.arn("ecs", f"task-definition/{name if ':' in name or name == '*' else name + ':*'}")


def _logs(action: str, body: Mapping[str, Any], place: Place) -> str | None:
    group = body.get("logGroupName") or body.get("logGroupIdentifier")
    if action in {"TagResource", "UntagResource", "ListTagsForResource"} or not group:
        return None
    name = str(group).split(":log-group:")[-1].removesuffix(":*")
    return place.arn("logs", f"log-group:{name}:log-stream:{body.get('logStreamName', '')}")


def _codebuild(action: str, body: Mapping[str, Any], place: Place) -> str | None:  # noqa: ARG001 - the signature of a Namer
    build = next(iter(body.get("ids") or []), None) or body.get("id")
    if not build:
        return None
    return place.arn("codebuild", "project/" + str(build).rsplit("build/", 1)[-1].split(":", 1)[0])


def _codepipeline(action: str, body: Mapping[str, Any], place: Place) -> str | None:  # noqa: ARG001 - the signature of a Namer
    declared = body.get("pipeline")
    name = body.get("name") or body.get("pipelineName") or (declared.get("name") if isinstance(declared, dict) else "")
    if not name:
        return "*"
    parts = [str(name), *(str(body[key]) for key in ("stageName", "actionName") if body.get(key))]
    return place.arn("codepipeline", "/".join(parts))


def _document(name: str, place: Place) -> str:
    """Returns the ARN of a document; AWS's own have no account."""
    if name == "*" or name.startswith("arn:"):
        return name
    owned_by_aws = name.lower().startswith(("aws-", "amazon", "ssm-"))
    return f"arn:aws:ssm:{place.region}:{'' if owned_by_aws else place.account}:document/{name}"


#: The part of a tagged resource's ARN by the `ResourceType` of Systems Manager; MiniStack knows parameters.
_TAGGED = {"Document": "document", "Association": "association", "ManagedInstance": "managed-instance"}
_WITH_DOCUMENT = {"SendCommand", "CreateAssociation"}


def _ssm(action: str, body: Mapping[str, Any], place: Place) -> str | None:
    if action in _WITH_DOCUMENT or "Document" in action:
        return _document(str(body.get("DocumentName") or body.get("Name") or "*"), place)
    if "Association" in action:
        named = body.get("AssociationId") or body.get("AssociationIds")
        one = named[0] if isinstance(named, list) and named else named
        return place.arn("ssm", f"association/{one}") if one else "*"
    if action == "StartSession":  # without a document only the instance is authorized
        named = str(body.get("DocumentName") or "")
        return _document(named, place) if named else place.arn("ec2", f"instance/{body.get('Target')}")
    if "Session" in action:
        return place.arn("ssm", f"session/{body['SessionId']}") if body.get("SessionId") else "*"
    if action in {"AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource"}:
        kind = _TAGGED.get(str(body.get("ResourceType")))
        return place.arn("ssm", f"{kind}/{body.get('ResourceId')}") if kind else None
    names = body.get("Names") or ([body["Path"]] if action == "GetParametersByPath" and body.get("Path") else [])
    return place.arn("ssm", "parameter/" + str(names[0]).lstrip("/")) if names else None


def _connections(action: str, body: Mapping[str, Any], place: Place) -> str | None:  # noqa: ARG001 - the signature of a Namer
    return str(body.get("ConnectionArn") or "*")


def _public_images(action: str, body: Mapping[str, Any], place: Place) -> str | None:  # noqa: ARG001 - the signature of a Namer
    name = body.get("repositoryName") or next(iter(body.get("repositoryNames") or []), None)
    return f"arn:aws:ecr-public::{place.account}:repository/{name}" if name else "*"


_NAMERS: dict[str, Namer] = {
    "ecr-public": _public_images,
    "ecs": _ecs,
    "logs": _logs,
    "codebuild": _codebuild,
    "codepipeline": _codepipeline,
    "ssm": _ssm,
    "codeconnections": _connections,
    "codestar-connections": _connections,
}


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _lists_alarms(path: str, headers: Mapping[str, str], query: Mapping[str, Any], body: bytes) -> bool:
    """Returns whether a request is DescribeAlarms without names, in any of CloudWatch's three protocols."""
    target = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    form = parse_qs(body.decode("latin-1")) if not target and "/operation/" not in path else {}
    action = target or path.rpartition("/operation/")[2] or (query.get("Action") or form.get("Action") or [""])[0]
    return action == "DescribeAlarms" and b"AlarmNames" not in body


def _role_path(arn: str, account: str) -> str:
    """Returns a role's ARN with its path: requests name roles without it, policies with it."""
    role = iam._roles.get_scoped(account, None, arn.rsplit("/", 1)[-1]) if ":role/" in arn else None
    return str(role["Arn"]) if role else arn


def install() -> None:
    """Use AWS's resource ARNs, and enforce policies for the services that this package adds."""
    for service in ADDED_SERVICES:
        iam_actions.SERVICE_TO_IAM_NAMESPACE.setdefault(service, service)
    original = iam_actions.extract_resource_arn

    def named(service: str, method: str, path: str, *rest: Any) -> str:
        headers, body, query, region, account_id = rest
        if service == "cloudfront-keyvaluestore" and (store := _STORE.match(unquote(path))):
            return store[1]
        if service == "monitoring" and _lists_alarms(path, headers, query, body):
            return Place(region, account_id).arn("cloudwatch", "alarm:*")
        namer = _NAMERS.get(service)
        if namer is not None:
            action = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
            arn = namer(action, _json(body), Place(region, account_id))
            if arn is not None:
                return arn
        arn = str(original(service, method, path, *rest))
        return _role_path(arn, account_id) if service == "iam" else arn

    iam_actions.extract_resource_arn = named
