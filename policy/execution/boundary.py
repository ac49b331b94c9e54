"""The permissions boundary of the roles that the stacks create.

It allows the actions that the templates grant. It also restricts the resources of those services in which an action on
a foreign resource would be a privilege escalation.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from policy.execution import arns, resources
from policy.execution.resources import Resource
from policy.execution.statements import Json, fewest, prefixes, scoped, unlisted
from policy.templates import Read, templates
from products import Product, infrastructure_flow, names

# Assuming or passing a role, starting something that has a role, reading a secret.
_BY_RESOURCE = frozenset(
    {"cloudformation", "codebuild", "codepipeline", "ecr", "ecs", "iam", "kms", "lambda", "s3", "secretsmanager", "sts"}
)
# Services without an escalation, of which one role has some actions on one resource: the name of each would not fit.
_WHOLE = frozenset({"cloudfront-keyvaluestore"})
# Services whose Describe* actions return no secret: they are one action in the boundary, and single ones in each role.
_DESCRIBED = frozenset({"cloudwatch", "ec2", "elasticloadbalancing", "logs"})
# The digest of an asset, which every change of its files changes; the committed templates have `<asset>` for it.
_ASSET = re.compile(r"(<asset>|[0-9a-f]{64})\.zip")
# ARNs of resources that a template refers to only by name.
_IMPORTED = {
    "codebuild": arns.arn("codebuild", "project/{}", region="{region}", account="{account}"),
    "ecs": arns.arn("ecs", "service/{}", region="{region}", account="{account}"),
    "iam": arns.arn("iam", "role/{}", account="{account}"),
    "s3": arns.arn("s3", "{}"),
}
# Actions of the AWS managed policies that the templates name: docs.aws.amazon.com/aws-managed-policy/latest/reference.
_MANAGED: Mapping[str, tuple[str, ...]] = {
    # Of this policy, what snapshots of disks need.
    "service-role/AWSBackupServiceRolePolicyForBackup": (
        "backup:DescribeBackupVault",
        "ec2:CreateSnapshot",
        "ec2:CreateTags",
        "ec2:DeleteSnapshot",
        "ec2:DescribeSnapshots",
        "ec2:DescribeVolumes",
        "tag:GetResources",
    ),
    # Of these five, what nodes and targets of our clusters need; EKS makes no load balancer for them.
    "AmazonEKSBlockStoragePolicy": ("ec2:AttachVolume", "ec2:CreateTags", "ec2:CreateVolume", "ec2:DetachVolume"),
    "AmazonEKSClusterPolicy": (
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceTopology",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVolumes",
        "ec2:DescribeVpcs",
    ),
    "AmazonEKSComputePolicy": ("ec2:CreateFleet", "ec2:CreateLaunchTemplate", "ec2:CreateTags", "ec2:RunInstances"),
    "AmazonEKSLoadBalancingPolicy": (
        "ec2:DescribeSecurityGroups",
        "elasticloadbalancing:DeregisterTargets",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
        "elasticloadbalancing:RegisterTargets",
    ),
    "AmazonEKSNetworkingPolicy": (
        "ec2:AssignPrivateIpAddresses",
        "ec2:AttachNetworkInterface",
        "ec2:CreateNetworkInterface",
        "ec2:CreateTags",
        "ec2:DetachNetworkInterface",
        "ec2:UnassignPrivateIpAddresses",
    ),
    "service-role/AWSLambdaBasicExecutionRole": ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
}


def granted(resource: Resource) -> Iterator[Json]:
    """Yields the statements that a resource grants to roles."""
    if resource.kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        yield from _listed(resource.props["PolicyDocument"]["Statement"])
    if resource.kind == "AWS::IAM::Role":
        for policy in resource.props.get("Policies", ()):
            yield from _listed(policy["PolicyDocument"]["Statement"])
        for arn in resource.props.get("ManagedPolicyArns", ()):
            _, _, name = str(arn).partition(":policy/")
            if name not in _MANAGED:
                raise LookupError(
                    f"{resource.stack}: role {resource.logical_id} has the managed policy '{arn}', whose actions are "
                    f"not known here; grant the actions in the stack, or add the policy to _MANAGED of {__file__}"
                )
            yield {"Effect": "Allow", "Action": list(_MANAGED[name]), "Resource": "*"}


def statements(products: Iterable[Product], account: str, read: Read = templates) -> list[Json]:
    """Returns the statements of the boundary in an account."""
    found: dict[str, set[str]] = defaultdict(set)
    for product in products:
        ours = [resource for resource in resources.of(product, read) if resource.account == account]
        for resource in ours:
            for statement in granted(resource):
                for named in _listed(statement["Action"]):
                    action = _short(named)
                    for place in _listed(statement["Resource"]):
                        found[action] |= _bounded(action, str(place), resource)
    allowed = [
        {"Effect": "Allow", "Action": sorted(actions), "Resource": unlisted(sorted(fewest(places)))}
        for actions, places in sorted(_by_service(found), key=lambda entry: sorted(entry[0]))
    ]
    return [*allowed, *_bootstrap_statements(products, account), *_github_statements(products, account, read)]


def _short(action: str) -> str:
    """Returns the action of the boundary that covers an action of a role."""
    service, _, name = action.partition(":")
    if service in _WHOLE:
        return f"{service}:*"
    return f"{service}:Describe*" if service in _DESCRIBED and name.startswith("Describe") else action


def _by_service(found: Mapping[str, set[str]]) -> list[tuple[set[str], set[str]]]:
    """Returns actions and places: all actions of a service on all its places, since a boundary must be short.

    Each role has a policy of its own with the places of each action.
    """
    everywhere = {action for action, places in found.items() if "*" in places}
    services: dict[str, tuple[set[str], set[str]]] = {}
    for action in set(found) - everywhere:
        actions, places = services.setdefault(action.partition(":")[0], (set(), set()))
        actions.add(action)
        places |= found[action]
    return [*([(everywhere, {"*"})] if everywhere else []), *services.values()]


def _github_statements(products: Iterable[Product], account: str, read: Read) -> list[Json]:
    """Returns the statements that bound the roles of GitHub's jobs further, since those jobs run outside AWS."""
    actions: set[str] = set()
    roles: set[str] = set()
    for product in products:
        ours = [resource for resource in resources.of(product, read) if resource.account == account]
        federated = [role for role in ours if role.kind == "AWS::IAM::Role" and "Federated" in str(role.props)]
        named = {str(role.props.get("RoleName") or role.name) for role in federated}
        roles |= {arns.arn("iam", f"role/{name}", account=account) for name in named}
        for policy in ours:
            if named & set(policy.props.get("Roles", ())):
                actions |= {action for statement in granted(policy) for action in _listed(statement["Action"])}
    condition = {"ArnLike": {"aws:PrincipalArn": sorted(roles)}}
    return [{"Effect": "Deny", "NotAction": sorted(actions), "Resource": "*", "Condition": condition}] if roles else []


def _bootstrap_statements(products: Iterable[Product], account: str) -> list[Json]:
    """Returns the statement by which only the builds that deploy stacks may assume the roles of the CDK's bootstrap.

    The trust policies of these roles admit every role of the account.
    """
    builds = [
        names.infrastructure_role(product.name, "deploy", target)
        for product in products
        if infrastructure_flow.settings(product) and product.tooling.account == account
        for target in infrastructure_flow.targets(product)
    ]
    if not builds:
        return []
    callers = sorted(arns.arn("iam", f"role/{name}", account=account) for name in builds)
    return [
        {
            "Effect": "Deny",
            "Action": "sts:AssumeRole",
            "Resource": f"arn:aws:iam::*:role/{names.BOOTSTRAP}-*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": callers}},
        }
    ]


def _bounded(action: str, place: str, resource: Resource) -> set[str]:
    """Returns the resources on which the boundary allows an action that a role is granted on `place`."""
    service = action.partition(":")[0]
    if service not in _BY_RESOURCE:
        return {"*"}
    if not place.startswith(("arn:", "*")):  # the resource name only
        known = {"region": resource.region, "account": resource.account}
        form = _IMPORTED.get(service, arns.arn(service, "{}", region="{region}", account="{account}"))
        place = form.format(place, **known)
    return {_wide(scoped(place, resource.product), resource.product)}


def _wide(arn: str, product: Product) -> str:
    """Returns an ARN that covers all environments: a boundary has at most 6,144 characters, a role only one."""
    arn = _ASSET.sub("*.zip", arn)
    for prefix in prefixes(product):
        arn = arn.replace(f"{prefix}-", f"*-{product.name}-")
    return arn


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
