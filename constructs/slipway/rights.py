"""Policy statements of roles. A statement with a wildcard in its resources carries the reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from slipway.accepted import ANY, accept, audits, declaring

_NO_RESOURCE = (
    "the service authorization reference lists no resource for these actions, so that IAM takes `*` only; "
    "tests/stacks/test_every_template.py lists them"
)
_TOKEN = re.compile(r"\$\{Token\[[^\]]*\]\}")


class Allow(iam.PolicyStatement):
    """A statement that allows actions.

    `because`: why its resources contain a wildcard; docs/accepted-risks.md shows the sentence.
    """

    def __init__(
        self,
        *,
        sid: str | None = None,
        actions: Sequence[str],
        resources: Sequence[str],
        conditions: Mapping[str, Any] | None = None,
        because: str | None = None,
        declared: str | None = None,
    ) -> None:
        super().__init__(sid=sid, actions=list(actions), resources=list(resources), conditions=conditions)
        self.because = because
        self.declared = declared or declaring(3)  # one frame more, for the metaclass of jsii
        shown = [_TOKEN.sub(ANY, resource) for resource in resources]
        self.wildcards = [resource for resource in shown if "*" in resource]


def everywhere(*actions: str, sid: str | None = None, conditions: Mapping[str, Any] | None = None) -> Allow:
    """Returns a statement for actions without resource-level permissions, which tests/stacks lists."""
    return Allow(
        sid=sid,
        actions=actions,
        resources=["*"],
        conditions=conditions,
        because=_NO_RESOURCE,
        declared="slipway.rights.everywhere",
    )


def accept_everywhere(role: IConstruct) -> None:
    """Accept that the CDK itself allows a role actions without resource-level permissions on `*`."""
    accept(role, _NO_RESOURCE, "AwsSolutions-IAM5[Resource::*]", declared="slipway.rights.everywhere")


def give(role: iam.IRole, statements: Iterable[iam.PolicyStatement]) -> None:
    """Add statements to a role's own policy."""
    added = list(statements)
    for statement in added:
        # Not add_to_principal_policy, whose result costs two more calls to Node.js for each of some 270 statements.
        cast("iam.Role", role).add_to_policy(statement)
    if added:
        accept_inline(role)
    accept_wildcards(role, added)


def confine_trust(role: IConstruct, source_arn: str | None = None) -> None:
    """Restrict a role that the CDK defines: its service can assume it only for resources of this account.

    Without the condition, another account could make the service use the role (the confused deputy problem:
    docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html). tests/policy/test_trust.py lists the services that
    send `aws:SourceAccount` or `aws:SourceArn`.
    """
    resource = role.node.default_child
    assert isinstance(resource, iam.CfnRole)  # noqa: S101 - for mypy: the L1 of the L2
    condition: dict[str, Any] = {"StringEquals": {"aws:SourceAccount": cdk.Stack.of(role).account}}
    if source_arn:
        condition["ArnLike"] = {"aws:SourceArn": source_arn}
    # The CDK offers no conditions for these roles, and roles of our own would have other logical ids.
    resource.add_property_override("AssumeRolePolicyDocument.Statement.0.Condition", condition)


def accept_inline(role: IConstruct) -> None:
    """Accept that a role has an inline policy."""
    accept(
        role,
        "the policy belongs to this role alone and goes with it; a managed one could be attached elsewhere",
        *audits("IAMNoInlinePolicy"),
        declared="slipway.rights.give",
    )


def accept_wildcards(construct: IConstruct, statements: Iterable[iam.PolicyStatement]) -> None:
    """Accept the wildcards of statements, for the reason in each statement."""
    for statement in statements:
        if isinstance(statement, Allow) and statement.because:
            rules = [f"AwsSolutions-IAM5[Resource::{wildcard}]" for wildcard in statement.wildcards]
            accept(construct, statement.because, *rules, declared=statement.declared)
