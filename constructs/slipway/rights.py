"""What a role may do: statements that say why where they cannot name one resource."""

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
    """A statement that allows.

    `because`: why its resources hold a wildcard; the sentence stands in docs/accepted-risks.md.
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
        self.declared = declared or declaring(3)  # past the metaclass of jsii
        self.wildcards = [_TOKEN.sub(ANY, each) for each in resources if "*" in _TOKEN.sub(ANY, each)]


def everywhere(*actions: str, sid: str | None = None, conditions: Mapping[str, Any] | None = None) -> Allow:
    """Allow actions that know no resource, for which IAM takes `*` only; tests/stacks lists which do."""
    return Allow(
        sid=sid,
        actions=actions,
        resources=["*"],
        conditions=conditions,
        because=_NO_RESOURCE,
        declared="slipway.rights.everywhere",
    )


def accept_everywhere(role: IConstruct) -> None:
    """Accept what the library allows a role on every resource, in `everywhere`'s case."""
    accept(role, _NO_RESOURCE, "AwsSolutions-IAM5[Resource::*]", declared="slipway.rights.everywhere")


def give(role: iam.IRole, statements: Iterable[iam.PolicyStatement]) -> None:
    """Add statements to a role's own policy."""
    given = list(statements)
    for statement in given:
        # Not add_to_principal_policy, whose answer costs two more calls to Node.js for each of some 270 statements.
        cast("iam.Role", role).add_to_policy(statement)
    if given:
        accept_inline(role)
    accept_wildcards(role, given)


def confine_trust(role: IConstruct, source_arn: str | None = None) -> None:
    """Let the service that a role of the library trusts take it for this account's resources only.

    Else the service could be led by another account to act with it: docs.aws.amazon.com/IAM/latest/UserGuide/
    confused-deputy.html. tests/policy/test_trust.py lists the services that say for whom they act.
    """
    resource = role.node.default_child
    assert isinstance(resource, iam.CfnRole)  # noqa: S101 - for mypy: the L1 of the L2
    condition: dict[str, Any] = {"StringEquals": {"aws:SourceAccount": cdk.Stack.of(role).account}}
    if source_arn:
        condition["ArnLike"] = {"aws:SourceArn": source_arn}
    # The library's roles take no conditions, and roles of our own would have other logical ids.
    resource.add_property_override("AssumeRolePolicyDocument.Statement.0.Condition", condition)


def accept_inline(role: IConstruct) -> None:
    """Accept that a role's policy is its own."""
    accept(
        role,
        "the policy belongs to this role alone and goes with it; a managed one could be attached elsewhere",
        *audits("IAMNoInlinePolicy"),
        declared="slipway.rights.give",
    )


def accept_wildcards(construct: IConstruct, statements: Iterable[iam.PolicyStatement]) -> None:
    """Accept the wildcards of statements for the reasons that stand beside them."""
    for statement in statements:
        if isinstance(statement, Allow) and statement.because:
            rules = [f"AwsSolutions-IAM5[Resource::{each}]" for each in statement.wildcards]
            accept(construct, statement.because, *rules, declared=statement.declared)
