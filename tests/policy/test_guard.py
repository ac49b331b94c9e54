"""Each of our Guard rules finds the problems planted for it, and nothing in correct resources."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from policy.guard import FOLDER, enforce, guard_rules
from tests.support.synthesis import Json, app

GITHUB = "token.actions.githubusercontent.com"
EXACT = {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": ["repo:a/b:x"], f"{GITHUB}:repository_id": "1"}


def role(principal: Any, condition: Mapping[str, Any] | None = None, **more: Any) -> Json:
    web = "WebIdentity" if "Federated" in principal else ""
    statement = {"Effect": "Allow", "Action": f"sts:AssumeRole{'With' if web else ''}{web}", "Principal": principal}
    trust = {"Statement": [{**statement, **({"Condition": condition} if condition else {})}]}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust, **more}}


def github(**condition: Any) -> Json:
    return role({"Federated": "provider"}, condition)


def allows(action: Any, resource: Any = "arn:x", **more: Any) -> Json:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def policy(*statements: Json) -> Json:
    return {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": {"Statement": list(statements)}}}


def resource(kind: str, **properties: Any) -> Json:
    return {"Type": kind, "Properties": properties}


def bucket_policy(**statement: Any) -> Json:
    document = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "x", **statement}]}
    return resource("AWS::S3::BucketPolicy", PolicyDocument=document)


def blocked(**changes: bool) -> Json:
    every = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    return resource("AWS::S3::Bucket", PublicAccessBlockConfiguration={**dict.fromkeys(every, True), **changes})


def task(image: Any) -> Json:
    return resource("AWS::ECS::TaskDefinition", ContainerDefinitions=[{"Image": {"Ref": "Good"}}, {"Image": image}])


PASSED = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
DIGEST = "^(unreleased|.+@sha256:[0-9a-f]{64})$"
PLANTED: list[tuple[str, Json]] = [
    ("github_trust_is_exact", github(StringLike={f"{GITHUB}:sub": "repo:a/*"}, StringEquals=EXACT)),
    ("github_trust_is_exact", github(**{"ForAllValues:StringEquals": EXACT, "StringEquals": EXACT})),
    ("github_trust_is_exact", github(**{"ForAllValues:StringLike": EXACT, "StringEquals": EXACT})),
    *(
        ("github_trust_is_exact", github(StringEquals={key: value for key, value in EXACT.items() if key != missing}))
        for missing in EXACT
    ),
    ("github_trust_is_exact", github(StringEquals={**EXACT, f"{GITHUB}:aud": "other"})),
    ("github_trust_is_exact", role({"Federated": "provider"})),
    ("github_subjects_have_no_wildcards", github(StringEquals={**EXACT, f"{GITHUB}:sub": "repo:a/*"})),
    ("github_subjects_have_no_wildcards", github(StringEquals={**EXACT, f"{GITHUB}:sub": ["repo:a/b:x", "repo:a/?"]})),
    (
        "github_ref_patterns_are_pull_requests",
        github(StringEquals=EXACT, StringLike={f"{GITHUB}:ref": "refs/heads/*"}),
    ),
    ("trust_names_principals", role("*")),
    ("trust_names_principals", role({"AWS": "*"})),
    ("no_wildcard_action", policy(allows("s3:Get*"))),
    ("no_wildcard_action", policy(allows("s3:GetObject"), allows(["s3:GetObject", "*"]))),
    ("no_wildcard_action", policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})),
    (
        "no_wildcard_action_inside_a_role",
        role({"Service": "x"}, Policies=[{"PolicyDocument": {"Statement": [allows("s3:*")]}}]),
    ),
    ("passed_roles_are_named", policy(allows("iam:PassRole", "*", Condition=PASSED))),
    ("passed_roles_are_named", policy(allows(["ecs:RunTask", "iam:PassRole"], ["arn:x", "*"], Condition=PASSED))),
    ("passed_roles_are_named", policy(allows("iam:PassRole"))),
    ("assumed_roles_are_named", policy(allows(["sts:AssumeRole"], "*"))),
    ("no_permission_to_change_permissions", policy(allows(["s3:GetObject", "iam:PutRolePolicy"]))),
    ("no_permission_to_change_permissions", policy(allows("iam:UpdateAssumeRolePolicy"))),
    ("no_public_database", resource("AWS::RDS::DBInstance", StorageEncrypted=True)),
    ("no_public_database", resource("AWS::RDS::DBInstance", StorageEncrypted=True, PubliclyAccessible=True)),
    ("no_public_database", resource("AWS::RDS::DBInstance", PubliclyAccessible=False)),
    ("no_public_bucket", resource("AWS::S3::Bucket")),
    ("no_public_bucket", blocked(BlockPublicPolicy=False)),
    ("no_resource_policy_for_everybody", bucket_policy(Principal="*")),
    ("no_resource_policy_for_everybody", bucket_policy(Principal={"AWS": "*"})),
    ("no_ingress_rule_for_the_internet", resource("AWS::EC2::SecurityGroupIngress", CidrIp="0.0.0.0/0")),
    ("no_ingress_rule_for_the_internet", resource("AWS::EC2::SecurityGroupIngress", CidrIpv6="::/0")),
    *(
        ("no_security_group_open_to_the_internet", resource("AWS::EC2::SecurityGroup", SecurityGroupIngress=[ingress]))
        for ingress in ({"CidrIp": "0.0.0.0/0"}, {"CidrIpv6": "::/0"})
    ),
    ("no_public_load_balancer", resource("AWS::ElasticLoadBalancingV2::LoadBalancer", Scheme="internet-facing")),
    ("no_public_load_balancer", resource("AWS::ElasticLoadBalancingV2::LoadBalancer")),
    *(
        ("stateful_resources_have_removal_policies", resource(kind))
        for kind in ("AWS::S3::Bucket", "AWS::RDS::DBInstance", "AWS::ElastiCache::ReplicationGroup",
                     "AWS::ECR::Repository", "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup")
    ),
    ("log_groups_have_a_retention", resource("AWS::Logs::LogGroup")),
    ("images_by_digest", task("registry/shop:latest")),
    ("images_by_digest", task("registry/shop@sha256:abc")),
]  # fmt: skip
RIGHT = [
    github(StringEquals=EXACT),
    github(StringEquals=EXACT, StringLike={f"{GITHUB}:ref": "refs/pull/*/merge"}),
    role({"AWS": "arn:aws:iam::111122223333:root"}),
    policy(allows(["s3:GetObject"], "*"), {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}),
    policy(allows("iam:PassRole", Condition=PASSED), allows("sts:AssumeRole", {"Ref": "Role"})),
    resource("AWS::RDS::DBInstance", StorageEncrypted=True, PubliclyAccessible=False),
    blocked(),
    bucket_policy(Principal={"Service": "logging.s3.amazonaws.com"}),
    bucket_policy(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
    bucket_policy(Effect="Deny", Principal="*"),
    resource("AWS::EC2::SecurityGroupIngress", SourceSecurityGroupId="sg-1"),
    resource("AWS::EC2::SecurityGroup", SecurityGroupIngress=[{"SourcePrefixListId": "pl-1"}]),
    resource("AWS::ElasticLoadBalancingV2::LoadBalancer", Scheme="internal"),
    resource("AWS::Logs::LogGroup", RetentionInDays=7),
    task(f"registry/shop@sha256:{'0' * 64}"),
]
OURS = {
    name
    for path in FOLDER.glob("*.guard")
    for name in re.findall(r"^rule (\w+)", path.read_text(encoding="utf-8"), re.M)
}


@cache
def found() -> set[tuple[str, str]]:
    """Returns rule and logical id of all findings of our rules, from one run of the engine."""
    scope = app()
    cdk.Validations.of(scope).add_plugins(guard_rules(default_rules=False))
    scope.node.set_context("@aws-cdk/core:failSynthOnValidationErrors", value=False)
    stack = cdk.Stack(scope, "Stack")
    for name, resources in (("Planted", [planted for _, planted in PLANTED]), ("Right", RIGHT)):
        for number, given in enumerate(resources):
            made = cdk.CfnResource(stack, f"{name}{number}", type=given["Type"], properties=given["Properties"])
            if name == "Right":
                made.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    for name, pattern in (("Good", DIGEST), ("Tag", ".*")):
        cdk.CfnParameter(stack, name, allowed_pattern=pattern, constraint_description="give the image by digest: …")
    folder = Path(scope.synth().directory)
    report = json.loads((folder / "validation-report.json").read_text(encoding="utf-8"))
    return {
        (violation["ruleName"], (construct.get("cloudFormationResource") or {}).get("logicalId", ""))
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
        if violation["ruleName"] in OURS
    }


@pytest.mark.parametrize("number", range(len(PLANTED)), ids=lambda number: f"{PLANTED[number][0]}-{number}")
def test_a_planted_problem_is_found(number: int) -> None:
    assert (PLANTED[number][0], f"Planted{number}") in found()


def test_a_parameter_that_accepts_tags_is_found() -> None:
    assert "released_images_come_by_digest" in {rule for rule, _ in found()}


def test_correct_resources_have_no_finding() -> None:
    assert [finding for finding in found() if finding[1].startswith("Right")] == []


def test_every_rule_has_a_planted_problem() -> None:
    assert {rule for rule, _ in PLANTED} | {"released_images_come_by_digest"} == OURS


def test_every_message_says_what_to_write() -> None:
    for path in FOLDER.glob("*.guard"):
        for message in re.findall(r"<<(.*?)>>", path.read_text(encoding="utf-8"), re.S):
            assert "; " in message, f"{path.name}: {message}"


def test_synthesis_refuses_a_planted_problem() -> None:
    scope = app()
    enforce(scope, on=True)
    cdk.CfnResource(cdk.Stack(scope, "Stack"), "Logs", type="AWS::Logs::LogGroup")

    with pytest.raises(RuntimeError, match="set retention"):
        scope.synth()


def test_without_validation_synthesis_refuses_nothing() -> None:
    scope = app()
    enforce(scope, on=False)
    cdk.CfnResource(cdk.Stack(scope, "Stack"), "Logs", type="AWS::Logs::LogGroup")

    assert scope.synth().directory
