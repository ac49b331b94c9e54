"""iam:PassRole: a caller may pass a role to a service only if the caller's policies allow it."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

import jmespath  # type: ignore[import-untyped]  # ships no types
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import ecs, iam

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_actions:extract_iam_action",
    "ministack.core.iam_evaluator:enforce",
    "ministack.services.ecs:_task_defs",
    "ministack.services.ecs:_resolve_td_key",
    "ministack.services.iam:_instance_profiles",
)

# Action -> (JMESPath of the roles in the request, the service that receives them).
_TASKS = "ecs-tasks.amazonaws.com"
_PASSES: dict[str, tuple[tuple[str, str], ...]] = {
    "ecs:RegisterTaskDefinition": (("taskRoleArn", _TASKS), ("executionRoleArn", _TASKS)),
    "ecs:RunTask": (("overrides.taskRoleArn", _TASKS), ("overrides.executionRoleArn", _TASKS)),
    "lambda:CreateFunction": (("Role", "lambda.amazonaws.com"),),
    "lambda:UpdateFunctionConfiguration": (("Role", "lambda.amazonaws.com"),),
    "codebuild:CreateProject": (("serviceRole", "codebuild.amazonaws.com"),),
    "codebuild:UpdateProject": (("serviceRole", "codebuild.amazonaws.com"),),
    "codebuild:StartBuild": (("serviceRoleOverride", "codebuild.amazonaws.com"),),
    "codepipeline:CreatePipeline": (
        ("pipeline.roleArn", "codepipeline.amazonaws.com"),
        ("pipeline.stages[].actions[].roleArn", "codepipeline.amazonaws.com"),
    ),
    "codepipeline:UpdatePipeline": (
        ("pipeline.roleArn", "codepipeline.amazonaws.com"),
        ("pipeline.stages[].actions[].roleArn", "codepipeline.amazonaws.com"),
    ),
    "events:PutTargets": (("Targets[].RoleArn", "events.amazonaws.com"),),
    "events:PutRule": (("RoleArn", "events.amazonaws.com"),),
    "scheduler:CreateSchedule": (("Target.RoleArn", "scheduler.amazonaws.com"),),
    "scheduler:UpdateSchedule": (("Target.RoleArn", "scheduler.amazonaws.com"),),
    "backup:CreateBackupSelection": (("BackupSelection.IamRoleArn", "backup.amazonaws.com"),),
    "logs:PutSubscriptionFilter": (("roleArn", "logs.amazonaws.com"),),
    "cloudformation:CreateStack": (("RoleARN", "cloudformation.amazonaws.com"),),
    "cloudformation:UpdateStack": (("RoleARN", "cloudformation.amazonaws.com"),),
    "cloudformation:DeleteStack": (("RoleARN", "cloudformation.amazonaws.com"),),
    "cloudformation:CreateChangeSet": (("RoleARN", "cloudformation.amazonaws.com"),),
    "ec2:CreateFlowLogs": (("DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"),),
    "rds:CreateDBInstance": (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
    "rds:ModifyDBInstance": (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
    "iam:AddRoleToInstanceProfile": (("RoleName", "ec2.amazonaws.com"),),
}
_RUNS_TASK_DEFINITION = {"ecs:RunTask", "ecs:StartTask", "ecs:CreateService", "ecs:UpdateService"}
_TAKES_PROFILE = {"ec2:RunInstances", "ec2:AssociateIamInstanceProfile"}
_PROFILE_KEYS = ("IamInstanceProfile.Arn", "IamInstanceProfile.Name")

_request: contextvars.ContextVar[Mapping[str, Any]] = contextvars.ContextVar(
    "localcloud_request", default=MappingProxyType({})
)
# The role that the caller may not pass, for the message of the denial.
denied_role: contextvars.ContextVar[str] = contextvars.ContextVar("localcloud_denied_role", default="")


def parse(headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the parameters of a request in any of AWS's protocols: JSON, form or query string."""
    if "x-www-form-urlencoded" in headers.get("content-type", ""):
        query = {**query, **parse_qs(body.decode("utf-8", "replace"))}
    elif body[:1] == b"{":
        try:
            return dict(json.loads(body))
        except ValueError:
            return {}
    return {key: value[0] if isinstance(value, list) and value else value for key, value in query.items()}


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def passed_roles(action: str, request: Mapping[str, Any], account: str) -> Iterator[tuple[str, str]]:
    """Yields the ARN and the receiving service of each role that a request passes."""
    for query, service in _PASSES.get(action, ()):
        flat = request.get(query)
        for role in _strings(flat if flat is not None else jmespath.search(query, dict(request))):
            yield (role if role.startswith("arn:") else f"arn:aws:iam::{account}:role/{role}"), service
    if action in _RUNS_TASK_DEFINITION:
        yield from ((role, _TASKS) for role in _task_roles(str(request.get("taskDefinition") or "")))
    if action in _TAKES_PROFILE:
        names = [str(request[key]).rsplit("/", 1)[-1] for key in _PROFILE_KEYS if request.get(key)]
        yield from ((role, "ec2.amazonaws.com") for name in names for role in _profile_roles(name, account))


def _task_roles(reference: str) -> list[str]:
    found = ecs._task_defs.get(ecs._resolve_td_key(reference)) if reference else None
    return [found[key] for key in ("taskRoleArn", "executionRoleArn") if found and found.get(key)]


def _profile_roles(name: str, account: str) -> list[str]:
    profile = iam._instance_profiles.get(name) or {}
    return [f"arn:aws:iam::{account}:role/{str(role).rsplit('/', 1)[-1]}" for role in profile.get("Roles", [])]


def install() -> None:
    """Check iam:PassRole once the action itself is allowed."""
    extract, enforce = iam_actions.extract_iam_action, iam_evaluator.enforce

    def extracting(service: str, method: str, path: str, *rest: Any) -> str | None:
        action: str | None = extract(service, method, path, *rest)
        denied_role.set("")
        passes = action in _PASSES or action in _RUNS_TASK_DEFINITION or action in _TAKES_PROFILE
        _request.set(parse(*rest) if passes else {})
        return action

    def enforcing(access_key_id: str, iam_action: str, service: str, region: str, **about: Any) -> object:
        denied: object = enforce(access_key_id, iam_action, service, region, **about)
        if denied is not None:
            return denied
        for role, receiver in passed_roles(iam_action, _request.get(), get_account_id()):
            context = {"iam:PassedToService": receiver}
            denied = enforce(access_key_id, "iam:PassRole", "iam", region, resource_arn=role, service_context=context)
            if denied is not None:
                denied_role.set(role)
                return denied
        return None

    iam_actions.extract_iam_action = extracting
    iam_evaluator.enforce = enforcing
