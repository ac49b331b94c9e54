"""The permissions CloudFormation needs for a step of a stack operation: actions, resources and condition keys.

The actions of a resource handler are AWS's own list, `handlers.json` (see its `source`), without those that only other
properties need (`optional.py`). An update also reads the resource: docs.aws.amazon.com/cloudformation-cli, "Resource
type handler contracts", read handlers. The local cloud checks the stack's role for these permissions;
`policy/execution` computes the policies of such a role from the same list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from localcloud.cloudformation import places
from localcloud.cloudformation.optional import NEVER, ONLY_WITH, ONLY_WITHOUT
from localcloud.cloudformation.places import CREATE, DELETE, UPDATE, Step

__all__ = ["CREATE", "DELETE", "UPDATE", "Need", "Step", "permissions", "reference"]

PASSING, LINKING = "iam:PassRole", "iam:CreateServiceLinkedRole"
BOUNDARY = "iam:PermissionsBoundary"
# Actions with the condition key iam:PermissionsBoundary (service authorization reference of IAM). For the first set the
# key holds the boundary that the role has, for the second the one that it gets.
ON_BOUNDED_ROLE = frozenset({"iam:AttachRolePolicy", "iam:PutRolePolicy"})
BINDING = frozenset({"iam:CreateRole", "iam:PutRolePermissionsBoundary"})
# AWS does not document the order of a handler's calls. The action that comes first here is the one that a denial names.
_FIRST = ("Create", "Register", "Run", "Allocate", "Put", "Update", "Modify", "Delete", "Deregister", "Pass")
_WITHOUT_PERMISSIONS = ("AWS::CDK::Metadata", "AWS::CloudFormation::")


@dataclass(frozen=True)
class Need:
    """A permission that the role's policies must grant."""

    action: str
    resource: str = "*"
    context: Mapping[str, Any] = field(default_factory=dict)


# Type -> paths of the properties that name a role, with the service to which the role is passed.
_PASSED: dict[str, tuple[tuple[str, str], ...]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": (("RoleARN", "ecs.application-autoscaling.amazonaws.com"),),
    "AWS::CodeBuild::Project": (("ServiceRole", "codebuild.amazonaws.com"),),
    "AWS::CodePipeline::Pipeline": (
        ("RoleArn", "codepipeline.amazonaws.com"),
        ("Stages.Actions.RoleArn", "codepipeline.amazonaws.com"),
    ),
    "AWS::EC2::FlowLog": (("DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"),),
    "AWS::EC2::Instance": (("IamInstanceProfile", "ec2.amazonaws.com"),),
    "AWS::ECS::Service": (("Role", "ecs.amazonaws.com"),),
    "AWS::ECS::TaskDefinition": (
        ("TaskRoleArn", "ecs-tasks.amazonaws.com"),
        ("ExecutionRoleArn", "ecs-tasks.amazonaws.com"),
    ),
    "AWS::Events::Rule": (("RoleArn", "events.amazonaws.com"), ("Targets.RoleArn", "events.amazonaws.com")),
    "AWS::IAM::InstanceProfile": (("Roles", "ec2.amazonaws.com"),),
    "AWS::Lambda::Function": (("Role", "lambda.amazonaws.com"),),
    "AWS::RDS::DBInstance": (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
    "AWS::Scheduler::Schedule": (("Target.RoleArn", "scheduler.amazonaws.com"),),
    "AWS::SNS::Subscription": (("SubscriptionRoleArn", "sns.amazonaws.com"),),
}
# Type -> the service whose service-linked role is created with the first resource of the type in an account.
_LINKED: dict[str, str] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": "ecs.application-autoscaling.amazonaws.com",
    "AWS::CloudFront::VpcOrigin": "vpcorigin.cloudfront.amazonaws.com",
    "AWS::ECS::Cluster": "ecs.amazonaws.com",
    "AWS::ElastiCache::ParameterGroup": "elasticache.amazonaws.com",
    "AWS::ElastiCache::ReplicationGroup": "elasticache.amazonaws.com",
    "AWS::RDS::DBInstance": "rds.amazonaws.com",
    "AWS::RDS::DBParameterGroup": "rds.amazonaws.com",
    "AWS::RDS::DBSubnetGroup": "rds.amazonaws.com",
    "AWS::WAFv2::LoggingConfiguration": "wafv2.amazonaws.com",
}
_CONNECTION = "Stages.Actions.Configuration.ConnectionArn"


@cache
def reference() -> dict[str, Any]:
    """Returns AWS's documentation: the permissions of each type's handlers, and the actions without resources."""
    return dict(json.loads((Path(__file__).parent / "handlers.json").read_text(encoding="utf-8")))


@cache
def _without_resource() -> frozenset[str]:
    return frozenset(reference()["without_resource"])


def _documented(step: Step) -> list[str]:
    verbs = reference()["types"].get(step.kind)
    if verbs is None:
        return []
    found = {*verbs[step.verb], *(verbs["read"] if step.verb == UPDATE else ())}
    order = {action: _rank(action) for action in found}
    return sorted(found, key=lambda action: (order[action], action))


def _rank(action: str) -> int:
    name = action.partition(":")[2]
    return next((index for index, word in enumerate(_FIRST) if name.startswith(word)), len(_FIRST))


def _is_set(step: Step, path: str) -> bool:
    return bool(places.values(step.props, path) or places.values(step.old, path))


def actions(step: Step) -> list[str]:
    """Returns the actions of a step: the documented ones, without those of properties that are not set."""
    only = {action for listed in ONLY_WITH.get(step.kind, {}).values() for action in listed}
    wanted = {
        action for path, listed in ONLY_WITH.get(step.kind, {}).items() if _is_set(step, path) for action in listed
    }
    removed = {
        action: bool(places.values(step.old, path)) and not places.values(step.props, path)
        for path, listed in ONLY_WITHOUT.get(step.kind, {}).items()
        for action in listed
    }
    never = NEVER.get(step.kind, ())
    return [
        action
        for action in _documented(step)
        if action not in never and (action not in only or action in wanted) and removed.get(action, True)
    ]


def permissions(step: Step, *, account: str, region: str) -> Iterator[Need]:
    """Yields the permissions that CloudFormation needs for a step."""
    if step.kind.startswith("Custom::") or step.kind == "AWS::CloudFormation::CustomResource":
        yield Need("lambda:InvokeFunction", str(step.props.get("ServiceToken", "*")))
        return
    if step.kind.startswith(_WITHOUT_PERMISSIONS):
        return
    if step.kind not in reference()["types"]:
        # AWS documents no permissions for the type, so every action of the service may be needed.
        yield Need(f"{step.kind.split('::')[1].lower()}:*")
    for action in actions(step):
        yield from _needs(action, step, account, region)


def _needs(action: str, step: Step, account: str, region: str) -> Iterator[Need]:
    if action in _ON_OTHER_RESOURCES or action.endswith(":PassConnection"):
        yield from _on_other_resources(action, step, account)
    elif action == "iam:GetRole" and step.kind != "AWS::IAM::Role":
        yield from (Need(action, need.resource) for need in _passed(step, account))
    elif action in _without_resource():
        yield Need(action)
    elif action != "iam:PutRolePermissionsBoundary" or step.props.get("PermissionsBoundary"):
        boundary = step.props.get("PermissionsBoundary") if step.kind == "AWS::IAM::Role" else None
        context = {BOUNDARY: boundary} if boundary and action in BINDING | ON_BOUNDED_ROLE else {}
        for resource in places.resources(action, step, account=account, region=region):
            yield Need(action, resource, context)


_ON_OTHER_RESOURCES = frozenset({PASSING, LINKING, "lambda:InvokeFunction"})


def _on_other_resources(action: str, step: Step, account: str) -> Iterator[Need]:
    """Yields the permissions on another resource that the step uses: a role, a function, a connection."""
    if action == PASSING:
        yield from _passed(step, account)
    elif action == LINKING:
        service = _LINKED.get(step.kind, "*")
        role = f"arn:aws:iam::{account}:role/aws-service-role/{service}/*"
        yield Need(action, role, {"iam:AWSServiceName": service})
    elif action == "lambda:InvokeFunction":
        yield Need(action, str(step.props.get("RotationLambdaARN", "*")))
    else:
        for connection in places.values(step.props, _CONNECTION):
            for service in ("codeconnections", "codestar-connections"):
                yield Need(f"{service}:PassConnection", connection)


def _passed(step: Step, account: str) -> Iterator[Need]:
    for path, service in _PASSED.get(step.kind, ()):
        for role in places.values(step.props, path):
            # Only the name of an instance profile is known here; its role is assumed to have the same name.
            arn = role if str(role).startswith("arn:") else f"arn:aws:iam::{account}:role/{role}"
            yield Need(PASSING, arn.replace(":instance-profile/", ":role/"), {"iam:PassedToService": service})
