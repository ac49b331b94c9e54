"""Names the resource a request is about where MiniStack names another one, or none.

A policy written for `service/demo/web` must meet `service/demo/web`, not the cluster; one for a log group ends in
`:*` and must meet a log stream. Services outside `_NAMERS` keep MiniStack's answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.services import iam

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_actions:extract_resource_arn",
    "ministack.core.iam_actions:SERVICE_TO_IAM_NAMESPACE",
    "ministack.services.iam:_roles",
)

# Services added by this package; one without a namespace is never enforced.
PLUGGED_SERVICES = ("codepipeline", "codeconnections", "codestar-connections", "application-autoscaling")

Namer = Callable[[str, Mapping[str, Any], "Place"], str | None]


class Place:
    """The account and region a request runs in, to spell ARNs with."""

    def __init__(self, region: str, account: str) -> None:
        self.region = region
        self.account = account

    def arn(self, service: str, resource: str) -> str:
        """The regional ARN of a resource here; a full ARN passes through."""
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


def _codebuild(action: str, body: Mapping[str, Any], place: Place) -> str | None:  # noqa: ARG001 - every namer is called alike
    build = next(iter(body.get("ids") or []), None) or body.get("id")
    if not build:
        return None
    return place.arn("codebuild", "project/" + str(build).rsplit("build/", 1)[-1].split(":", 1)[0])


def _codepipeline(action: str, body: Mapping[str, Any], place: Place) -> str | None:  # noqa: ARG001 - every namer is called alike
    declared = body.get("pipeline")
    name = body.get("name") or body.get("pipelineName") or (declared.get("name") if isinstance(declared, dict) else "")
    if not name:
        return "*"
    parts = [str(name), *(str(body[key]) for key in ("stageName", "actionName") if body.get(key))]
    return place.arn("codepipeline", "/".join(parts))


def _ssm(action: str, body: Mapping[str, Any], place: Place) -> str | None:
    names = body.get("Names") or ([body["Path"]] if action == "GetParametersByPath" and body.get("Path") else [])
    return place.arn("ssm", "parameter/" + str(names[0]).lstrip("/")) if names else None


def _connections(action: str, body: Mapping[str, Any], place: Place) -> str | None:  # noqa: ARG001 - every namer is called alike
    return str(body.get("ConnectionArn") or "*")


_NAMERS: dict[str, Namer] = {
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


def _role_path(arn: str, account: str) -> str:
    """A role's ARN with its path: requests name roles without, policies with."""
    role = iam._roles.get_scoped(account, None, arn.rsplit("/", 1)[-1]) if ":role/" in arn else None
    return str(role["Arn"]) if role else arn


def install() -> None:
    """Name resources as AWS does, and enforce the services this package adds."""
    for service in PLUGGED_SERVICES:
        iam_actions.SERVICE_TO_IAM_NAMESPACE.setdefault(service, service)
    plain = iam_actions.extract_resource_arn

    def named(service: str, method: str, path: str, *rest: Any) -> str:
        headers, body, _query, region, account_id = rest
        namer = _NAMERS.get(service)
        if namer is not None:
            action = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
            arn = namer(action, _json(body), Place(region, account_id))
            if arn is not None:
                return arn
        arn = str(plain(service, method, path, *rest))
        return _role_path(arn, account_id) if service == "iam" else arn

    iam_actions.extract_resource_arn = named
