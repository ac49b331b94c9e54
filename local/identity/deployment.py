"""CloudFormation acts with the role a stack was given, not with everything.

MiniStack's own handlers change its state directly, past every policy. So before a resource of a stack with a role is
created, updated or deleted, the role is asked for the actions that AWS would need first: `_NEEDS`, by type, and
iam:PassRole for every role in its properties. A type without an entry is let through (docs/local-cloud.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudformation, iam
from ministack.services.cloudformation import stacks

from local.identity import denials, needs, passing

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_evaluator:evaluate",
    "ministack.core.iam_evaluator:EvalContext",
    "ministack.core.iam_evaluator:_gather_role_policies",
    "ministack.core.iam_evaluator:_permissions_boundary",
    "ministack.services.iam:_roles",
    "ministack.services.cloudformation:handle_request",
    "ministack.services.cloudformation:_stacks",
    "ministack.services.cloudformation.stacks:_provision_resource",
    "ministack.services.cloudformation.stacks:_update_resource",
    "ministack.services.cloudformation.stacks:_delete_resource",
)

_ROLE = "RoleARN"  # kept on the stack's record, where DescribeStacks would show it
_TAKES_ROLE = {"CreateStack", "UpdateStack", "CreateChangeSet", "DeleteStack", "RollbackStack"}


def remember_role(request: Mapping[str, Any]) -> None:
    """Keep the role of a stack operation: AWS uses it for the stack from then on."""
    name = str(request.get("StackName", ""))
    stack = cloudformation._stacks.get(name.split("/")[1] if name.startswith("arn:") else name)
    if stack is not None and request.get("RoleARN"):
        stack[_ROLE] = request["RoleARN"]


def _allows(role_arn: str, action: str, resource: str, context: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether the role may, and whether the refusal is an explicit one."""
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    principal = f"arn:aws:sts::{account}:assumed-role/{name}/AWSCloudFormation"
    asked = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={key.lower(): value for key, value in context.items()},
    )
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    result = iam_evaluator.evaluate(asked, iam_evaluator._gather_role_policies(name, account), *limits)
    return result.decision == "Allow", result.decision == "Deny"


def refusals(role_arn: str, wanted: needs.Step) -> Iterator[str]:
    """The sentences of everything the role lacks for that step."""
    name = role_arn.rsplit("/", 1)[-1]
    principal = f"arn:aws:sts::{role_arn.split(':')[4]}:assumed-role/{name}/AWSCloudFormation"
    for need in needs.of(wanted, account=get_account_id(), region=get_region()):
        allowed, explicit = _allows(role_arn, need.action, need.resource, need.context)
        if not allowed:
            yield denials.message(principal, need.action, need.resource, explicit=explicit)


def check(stack_name: str | None, wanted: needs.Step) -> None:
    """Raise, for CloudFormation to report, if the role of the stack may not do that."""
    stack = cloudformation._stacks.get(stack_name or "") or {}
    role_arn = stack.get(_ROLE)
    if not role_arn:
        return
    for sentence in refusals(role_arn, wanted):
        raise PermissionError(f"{sentence} (HandlerErrorCode: AccessDenied)")


def install() -> None:
    """Ask the role of the stack before every step of its operations."""
    handle = cloudformation.handle_request
    provision, update, delete = stacks._provision_resource, stacks._update_resource, stacks._delete_resource

    async def handling(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Any:
        request = passing.parse(headers, body, query)
        if request.get("Action") in _TAKES_ROLE:
            remember_role(request)  # before: an operation on an existing stack starts at once
            answer = await handle(method, path, headers, body, query)
            remember_role(request)  # after: the first change set makes the stack's record
            return answer
        return await handle(method, path, headers, body, query)

    def provisioning(kind: str, logical_id: str, props: Mapping[str, Any], stack_name: str) -> Any:
        check(stack_name, needs.Step(kind, needs.CREATE, props, f"{stack_name}-{logical_id}-0"))
        return provision(kind, logical_id, props, stack_name)

    def updating(kind: str, physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], *rest: Any) -> Any:
        if old != new:
            check(rest[0], needs.Step(kind, needs.UPDATE, new, physical_id))
        return update(kind, physical_id, old, new, *rest)

    def deleting(kind: str, physical_id: str, props: Mapping[str, Any], *rest: Any) -> Any:
        check(rest[0] if rest else None, needs.Step(kind, needs.DELETE, props, physical_id))
        return delete(kind, physical_id, props, *rest)

    cloudformation.handle_request = handling
    stacks._provision_resource, stacks._update_resource, stacks._delete_resource = provisioning, updating, deleting
