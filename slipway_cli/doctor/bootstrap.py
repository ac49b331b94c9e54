"""Checks of the CDK's bootstrap stack, and of the policies that bound what CloudFormation and every role may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from policy.execution.account import NAME
from products import names
from slipway_cli.doctor.model import Finding, missing, ok, unknown
from slipway_cli.doctor.scene import Check, Scene, none_if
from slipway_cli.typed import command

QUALIFIER = "hnb659fds"  # the CDK's default
# What the assembly of the pinned library asks for: `requiresBootstrapStackVersion` in its manifest.json.
VERSION = 6
_NO_ENTITY = {"NoSuchEntity", "NoSuchEntityException"}


def fix() -> str:
    """Returns the command that creates or updates all that this module looks at."""
    return command("prepare")


def _version(scene: Scene) -> Iterator[Finding]:
    parameter = f"/cdk-bootstrap/{QUALIFIER}/version"
    found = none_if({"ParameterNotFound"}, scene.client("ssm").get_parameter, Name=parameter)
    if found is None:
        yield missing("bootstrap", f"the CDK's bootstrap stack is not in {scene.region}", fix())
        return
    version = found["Parameter"]["Value"]
    if int(version) < VERSION:
        yield missing("bootstrap", f"version {version}, this CDK needs {VERSION}", fix())
    else:
        yield ok("bootstrap", f"version {version}")


def _execution(scene: Scene) -> Iterator[Finding]:
    check = "policies of CloudFormation's role"
    expected = {name: text for name, text in scene.policies().items() if name.startswith(NAME)}
    if not expected:
        yield unknown(check, f"policy/execution/{scene.account} does not exist", "make snapshots docs")
        return
    role = f"cdk-{QUALIFIER}-cfn-exec-role-{scene.account}-{scene.region}"
    attached = none_if(_NO_ENTITY, scene.client("iam").list_attached_role_policies, RoleName=role)
    if attached is None:
        yield missing(check, f"the role {role} does not exist", fix())
        return
    found = {policy["PolicyName"] for policy in attached["AttachedPolicies"]}
    if found != set(expected):
        more, less = sorted(found - set(expected)), sorted(set(expected) - found)
        parts = [f"has {', '.join(more)}" if more else "", f"lacks {', '.join(less)}" if less else ""]
        yield missing(check, " and ".join(filter(None, parts)), fix())
        return
    changed = [name for name, text in sorted(expected.items()) if _document(scene, name) != json.loads(text)]
    if changed:
        yield missing(check, f"{', '.join(changed)}: not as in policy/execution/{scene.account}", fix())
    else:
        yield ok(check, f"{len(expected)} policies, as in policy/execution/{scene.account}")


def _boundary(scene: Scene) -> Iterator[Finding]:
    check, expected = "permissions boundary", scene.policies().get(names.BOUNDARY)
    if expected is None:
        yield unknown(check, f"policy/execution/{scene.account} does not exist", "make snapshots docs")
        return
    found = _document(scene, names.BOUNDARY)
    if found is None:
        yield missing(check, f"the policy {names.BOUNDARY} does not exist; every role needs it", fix())
    elif found != json.loads(expected):
        yield missing(check, f"{names.BOUNDARY} is not as in policy/execution/{scene.account}", fix())
    else:
        yield ok(check, names.BOUNDARY)


def _document(scene: Scene, name: str) -> Any:
    """Returns the document of a policy's default version; None if the policy does not exist."""
    iam, arn = scene.client("iam"), f"arn:aws:iam::{scene.account}:policy/{name}"
    found = none_if(_NO_ENTITY, iam.get_policy, PolicyArn=arn)
    if found is None:
        return None
    version = iam.get_policy_version(PolicyArn=arn, VersionId=found["Policy"]["DefaultVersionId"])["PolicyVersion"]
    document = version["Document"]
    return json.loads(document) if isinstance(document, str) else document


CHECKS = (
    Check("bootstrap", _version),
    Check("policies of CloudFormation's role", _execution),
    Check("permissions boundary", _boundary),
)
