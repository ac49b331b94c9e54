"""Reads the policy statements of a template into one form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway_cli.review.access.actions import Actions, all_but, all_of
from slipway_cli.review.access.naming import Names
from slipway_cli.review.canonical import resources
from slipway_cli.review.model import Reach

Json = dict[str, Any]
Conditions = frozenset[tuple[str, str, frozenset[str]]]
"""Operator and key in lower case, and the values."""
ANYBODY = "*"
_IDENTITY_POLICIES = frozenset(
    {
        "AWS::IAM::Policy",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::UserPolicy",
        "AWS::IAM::GroupPolicy",
    }
)
_IDENTITIES = frozenset({"AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"})
_ATTACHED_TO = ("Roles", "Users", "Groups", "RoleName", "UserName", "GroupName")
# The properties that name the resource of a resource-based policy.
_TARGETS = ("Bucket", "Queues", "Topics", "SecretId", "RepositoryName", "ResourceArn", "FunctionName")
_OPEN: Json = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
_OPEN_BY_DEFAULT = {"AWS::EC2::VPCEndpoint": "PolicyDocument"}  # without a policy it allows everything


@dataclass(frozen=True)
class Holder:
    """The owner of statements: a role's permissions, a role's trust policy, a bucket's policy."""

    reach: Reach
    name: str
    """The construct's path, or the name of an external resource."""
    logical_id: str = ""


@dataclass(frozen=True)
class Statement:
    """One policy statement with its values as text."""

    allows: bool
    actions: Actions
    patterns: tuple[str, ...]
    """The actions as they are in the policy."""
    resources: frozenset[str]
    not_resources: frozenset[str]
    principals: frozenset[str]
    """Empty in an identity-based policy."""
    not_principals: frozenset[str]
    conditions: Conditions
    by_default: bool = False
    """True for AWS's default for a resource without a policy, which no template contains."""


def statements(template: Mapping[str, Any], names: Names) -> dict[Holder, list[Statement]]:
    """Returns the statements of a template by holder, including holders without statements."""
    found: dict[Holder, list[Statement]] = {}
    for logical_id, resource in resources(template).items():
        for holder, written in _written(logical_id, resource, names):
            found.setdefault(holder, []).extend(_read(written, names))
    return found


def _written(logical_id: str, resource: Json, names: Names) -> Iterator[tuple[Holder, list[Json]]]:
    kind, properties = resource["Type"], resource.get("Properties") or {}
    own = names.text({"Ref": logical_id}).rpartition(":")[2].strip("{}")
    if kind in _IDENTITIES:
        yield (
            Holder(Reach.PERMISSION, own),
            [
                statement
                for policy in _listed(properties.get("Policies"))
                for statement in _document(policy.get("PolicyDocument"))
            ],
        )
    if kind == "AWS::IAM::Role":
        yield Holder(Reach.TRUST, own), _document(properties.get("AssumeRolePolicyDocument"))
    elif kind in _IDENTITY_POLICIES:
        holders = [holder for name in _ATTACHED_TO for holder in _listed(properties.get(name))]
        for attached in holders or [{"Ref": logical_id}]:
            name = names.text(attached).rpartition(":")[2].strip("{}")
            yield Holder(Reach.PERMISSION, name), _document(properties.get("PolicyDocument"))
    elif kind == "AWS::Lambda::Permission":
        function = names.text(properties.get("FunctionName")).rpartition(":")[2].strip("{}")
        yield Holder(Reach.RESOURCE_POLICY, function), [_permission(properties)]
    elif kind not in _IDENTITIES:
        yield from _resource_policy(logical_id, kind, properties, names)


def _resource_policy(logical_id: str, kind: str, properties: Json, names: Names) -> Iterator[tuple[Holder, list[Json]]]:
    targets = [target for name in _TARGETS for target in _listed(properties.get(name))]
    written = [statement for value in properties.values() for statement in _document(value)]
    if kind in _OPEN_BY_DEFAULT and _OPEN_BY_DEFAULT[kind] not in properties:
        written = [_OPEN]
    if written:
        target = names.text(targets[0] if targets else {"Ref": logical_id})
        yield Holder(Reach.RESOURCE_POLICY, target.rpartition(":")[2].strip("{}")), written


def _document(value: object) -> list[Json]:
    """Returns the statements of a policy document; an empty list for any other value."""
    if not isinstance(value, Mapping) or "Statement" not in value:
        return []
    return [
        statement
        for statement in _listed(value["Statement"])
        if isinstance(statement, dict) and statement.get("Effect") in ("Allow", "Deny")
    ]


def _permission(properties: Json) -> Json:
    """Returns the statement that `AWS::Lambda::Permission` adds to a function's policy."""
    principal = properties.get("Principal", "*")
    service = isinstance(principal, str) and "." in principal
    keys = {
        "SourceArn": ("ArnLike", "aws:SourceArn"),
        "SourceAccount": ("StringEquals", "aws:SourceAccount"),
        "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
        "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    }
    conditions: dict[str, dict[str, Any]] = {}
    for name, (operator, key) in keys.items():
        if name in properties:
            conditions.setdefault(operator, {})[key] = properties[name]
    return {
        "Effect": "Allow",
        "Principal": {"Service": principal} if service else "*" if principal == "*" else {"AWS": principal},
        "Action": properties.get("Action", "lambda:InvokeFunction"),
        "Resource": properties.get("FunctionName"),
        "Condition": conditions,
    }


def _read(written: list[Json], names: Names) -> Iterator[Statement]:
    for statement in written:
        patterns = tuple(names.text(action) for action in _listed(statement.get("Action", statement.get("NotAction"))))
        chosen = frozenset(patterns)
        yield Statement(
            allows=statement["Effect"] == "Allow",
            actions=all_but(chosen) if "NotAction" in statement else all_of(chosen),
            patterns=("*",) if "NotAction" in statement else patterns,
            resources=_texts(statement.get("Resource"), names)
            or frozenset({"*"} if "NotResource" not in statement else ()),
            not_resources=_texts(statement.get("NotResource"), names),
            principals=_principals(statement.get("Principal"), names),
            not_principals=_principals(statement.get("NotPrincipal"), names),
            conditions=_conditions(statement.get("Condition"), names),
            by_default=statement is _OPEN,
        )


def _principals(value: object, names: Names) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, Mapping):
        return frozenset({ANYBODY})
    found = {(kind, names.text(principal)) for kind, given in value.items() for principal in _listed(given)}
    return frozenset(_principal(str(kind), text) for kind, text in found)


def _principal(kind: str, text: str) -> str:
    if kind == "AWS":
        return f"arn:aws:iam::{text}:root" if text.isdigit() else text
    return text if kind == "Service" else f"{kind.lower()} {text}"


def _conditions(value: object, names: Names) -> Conditions:
    if not isinstance(value, Mapping):
        return frozenset()
    return frozenset(
        (str(operator).lower(), str(key).lower(), _texts(given, names))
        for operator, keys in value.items()
        if isinstance(keys, Mapping)
        for key, given in keys.items()
    )


def _texts(value: object, names: Names) -> frozenset[str]:
    return frozenset(names.text(item) for item in _listed(value))


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
