"""CloudFormation acts with the permissions of the stack's role only.

MiniStack's resource handlers change its state directly and bypass all policies. So before CloudFormation creates,
updates or deletes a resource of a stack with a role, the role's permissions are checked: every action that AWS
documents for the handler (`localcloud.cloudformation.needs`), and GetSecretValue before a property reads a secret.
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudformation, iam, secretsmanager
from ministack.services.cloudformation import engine, stacks

from localcloud.cloudformation import needs
from localcloud.iam import denials, passing

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
    "ministack.services.cloudformation.stacks:_resolve_dynamic_references",
    "ministack.services.cloudformation.engine:_DYNAMIC_REFERENCE",
    "ministack.services.secretsmanager:_resolve",
)

_ROLE = "RoleARN"  # the member of the stack's record that DescribeStacks returns
_TAKES_ROLE = {"CreateStack", "UpdateStack", "CreateChangeSet", "DeleteStack", "RollbackStack"}


def remember_role(request: Mapping[str, Any]) -> None:
    """Store the role of a stack operation: AWS uses it for the stack from then on."""
    name = str(request.get("StackName", ""))
    stack = cloudformation._stacks.get(name.split("/")[1] if name.startswith("arn:") else name)
    if stack is not None and request.get("RoleARN"):
        stack[_ROLE] = request["RoleARN"]


def _allows(role_arn: str, action: str, resource: str, context: Mapping[str, Any]) -> tuple[bool, bool]:
    """Returns whether the role is allowed the action, and whether it is denied explicitly."""
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    principal = f"arn:aws:sts::{account}:assumed-role/{name}/AWSCloudFormation"
    request = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={key.lower(): value for key, value in context.items()},
    )
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    result = iam_evaluator.evaluate(request, iam_evaluator._gather_role_policies(name, account), *limits)
    return result.decision == "Allow", result.decision == "Deny"


def _boundary_context(need: needs.Need, account: str) -> dict[str, str]:
    """Returns the condition key `iam:PermissionsBoundary` for an action on a role that already exists."""
    if need.action not in needs.ON_BOUNDED_ROLE or need.context:
        return {}
    role = iam._roles.get_scoped(account, None, need.resource.rsplit("/", 1)[-1]) or {}
    boundary = role.get("PermissionsBoundary")
    return {needs.BOUNDARY: str(boundary)} if boundary else {}


def refusals(role_arn: str, wanted: Iterable[needs.Need]) -> Iterator[str]:
    """Yields a denial message for each permission that the role lacks."""
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    principal = f"arn:aws:sts::{account}:assumed-role/{name}/AWSCloudFormation"
    for need in wanted:
        context = {**need.context, **_boundary_context(need, account)}
        allowed, explicit = _allows(role_arn, need.action, need.resource, context)
        if not allowed:
            yield denials.message(principal, need.action, need.resource, explicit=explicit)


def _stack_role(stack_name: str | None) -> str:
    return str((cloudformation._stacks.get(stack_name or "") or {}).get(_ROLE) or "")


def check(stack_name: str | None, step: needs.Step) -> None:
    """Checks that the stack's role permits the step; CloudFormation reports the PermissionError otherwise."""
    _check(_stack_role(stack_name), needs.permissions(step, account=get_account_id(), region=get_region()))


def _check(role_arn: str, wanted: Iterable[needs.Need]) -> None:
    for refusal in refusals(role_arn, wanted) if role_arn else ():
        raise PermissionError(f"{refusal} (HandlerErrorCode: AccessDenied)")


# The secrets that the properties of the current resource read: `_resolve_dynamic_references` knows the secrets but not
# the stack, `_provision_resource` the stack but not the secrets. Both run in the same asyncio task.
_read: contextvars.ContextVar[frozenset[str]] = contextvars.ContextVar("localcloud_secrets_read", default=frozenset())


def _secrets(value: Any) -> set[str]:
    """Returns the secrets that a property's dynamic references read, by ARN or name as the template writes them."""
    if isinstance(value, str):
        bodies = [body for service, body in engine._DYNAMIC_REFERENCE.findall(value) if service == "secretsmanager"]
        return {":".join(body.split(":")[:7]) if body.startswith("arn:") else body.split(":")[0] for body in bodies}
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {secret for part in inside for secret in _secrets(part)}


def _check_secrets(stack_name: str) -> None:
    found = [secretsmanager._resolve(name, use_arn_scope=True)[1] or {"ARN": name} for name in _read.get()]
    _check(
        _stack_role(stack_name), [needs.Need("secretsmanager:GetSecretValue", str(secret["ARN"])) for secret in found]
    )


def install() -> None:
    """Check the stack's role before every step of a stack operation."""
    handle, resolve = cloudformation.handle_request, stacks._resolve_dynamic_references
    provision, update, delete = stacks._provision_resource, stacks._update_resource, stacks._delete_resource

    async def handling(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Any:
        request = passing.parse(headers, body, query)
        if request.get("Action") in _TAKES_ROLE:
            remember_role(request)  # before the call: an operation on an existing stack starts at once
            answer = await handle(method, path, headers, body, query)
            remember_role(request)  # after the call: the first change set creates the stack's record
            return answer
        return await handle(method, path, headers, body, query)

    def resolving(value: Any, *rest: Any, **more: Any) -> Any:
        _read.set(frozenset(_secrets(value)))
        return resolve(value, *rest, **more)

    def provisioning(kind: str, logical_id: str, props: Mapping[str, Any], stack_name: str) -> Any:
        check(stack_name, needs.Step(kind, needs.CREATE, props, f"{stack_name}-{logical_id}-0", logical_id))
        _check_secrets(stack_name)
        return provision(kind, logical_id, props, stack_name)

    def updating(kind: str, physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], *rest: Any) -> Any:
        if old != new:
            check(rest[0], needs.Step(kind, needs.UPDATE, new, physical_id, old=old))
            _check_secrets(rest[0])
        return update(kind, physical_id, old, new, *rest)

    def deleting(kind: str, physical_id: str, props: Mapping[str, Any], *rest: Any) -> Any:
        check(rest[0] if rest else None, needs.Step(kind, needs.DELETE, props, physical_id))
        return delete(kind, physical_id, props, *rest)

    cloudformation.handle_request, stacks._resolve_dynamic_references = handling, resolving
    stacks._provision_resource, stacks._update_resource, stacks._delete_resource = provisioning, updating, deleting
