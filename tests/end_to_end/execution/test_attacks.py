"""A malicious template gains nothing through the execution role: no further rights, no other product's secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.testing.plain import ACCOUNT, resources, unique
from policy.execution.statements import boundary
from tests.end_to_end.execution.rights import Executed

pytestmark = pytest.mark.local

STACK = "production-allthrive-services"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
BOUNDARY = boundary(ACCOUNT)


def trusting(service: str = "lambda.amazonaws.com") -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}


def role(**properties: Any) -> tuple[str, dict[str, Any]]:
    return "AWS::IAM::Role", {"AssumeRolePolicyDocument": trusting(), **properties}


def refusal(executed: Executed, template: dict[str, Any], stack: str = "") -> str:
    """Returns the reason why the execution role cannot deploy a template; empty if it can."""
    return executed.attempt(stack or f"{STACK}-{unique('x')}", template)


@pytest.mark.parametrize(
    ("refused", "template"),
    [
        ("iam:CreateRole", {"Role": role()}),
        ("iam:CreateRole", {"Role": role(ManagedPolicyArns=[ADMIN])}),
        ("iam:CreateRole", {"Role": role(PermissionsBoundary=ADMIN)}),
        ("iam:CreateRole", {"Role": role(RoleName="admin", PermissionsBoundary=BOUNDARY)}),
        (
            "iam:CreatePolicy",
            {
                "Policy": (
                    "AWS::IAM::ManagedPolicy",
                    {"ManagedPolicyName": "slipway-boundary", "PolicyDocument": ANYTHING},
                )
            },
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else str(next(iter(value.values())))[:60],
)
def test_no_principal_is_created_without_the_boundary(
    executed: Executed, refused: str, template: dict[str, Any]
) -> None:
    assert f"not authorized to perform: {refused} on" in refusal(executed, resources(**template))


def test_a_role_within_the_boundary_gets_no_right_beyond_it(executed: Executed) -> None:
    name = f"{STACK}-{unique('lambda')}"
    policy = {"PolicyName": "all", "PolicyDocument": ANYTHING}
    trust = {
        **trusting(),
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
    }
    properties = {"RoleName": name, "PermissionsBoundary": BOUNDARY, "Policies": [policy]}
    template = resources(Role=("AWS::IAM::Role", {**properties, "AssumeRolePolicyDocument": trust}))

    assert refusal(executed, template) == ""
    credentials = executed.cloud.session(f"arn:aws:iam::{ACCOUNT}:role/{name}")
    secrets = executed.cloud.client("secretsmanager")
    with pytest.raises(secrets.exceptions.ClientError, match="iam:CreateUser"):
        executed.cloud.client("iam", credentials).create_user(UserName="mallory")
    with pytest.raises(secrets.exceptions.ClientError, match="sts:AssumeRole"):
        executed.cloud.client("sts", credentials).assume_role(RoleArn=executed.root, RoleSessionName="mallory")
    with pytest.raises(secrets.exceptions.ClientError, match="secretsmanager:GetSecretValue"):
        executed.cloud.client("secretsmanager", credentials).get_secret_value(SecretId="another/secret")


@pytest.mark.parametrize("attached", ["managed", "inline"])
def test_no_right_is_added_to_a_role_without_the_boundary(executed: Executed, attached: str) -> None:
    name = f"production-allthrive-{unique('old')}"
    executed.cloud.role(name, trust=trusting()["Statement"][0])
    kind = "AWS::IAM::ManagedPolicy" if attached == "managed" else "AWS::IAM::Policy"
    properties = {"PolicyDocument": ANYTHING, "Roles": [name]} | ({"PolicyName": "x"} if attached == "inline" else {})

    assert "not authorized to perform: iam:" in refusal(executed, resources(Policy=(kind, properties)))


def test_the_execution_role_cannot_change_itself(executed: Executed) -> None:
    own = executed.role.rpartition("/")[2]
    properties = {"PolicyDocument": ANYTHING, "PolicyName": "x", "Roles": [own]}

    assert "iam:PutRolePolicy on" in refusal(executed, resources(Policy=("AWS::IAM::Policy", properties)))


@pytest.mark.parametrize(("after", "refused"), [({}, "Delete"), ({"PermissionsBoundary": ADMIN}, "Put")])
def test_a_boundary_is_neither_removed_nor_replaced(executed: Executed, after: dict[str, Any], refused: str) -> None:
    stack, trust = f"{STACK}-{unique('bound')}", {"AssumeRolePolicyDocument": trusting()}
    bound = resources(Role=("AWS::IAM::Role", {**trust, "PermissionsBoundary": BOUNDARY}))
    free = resources(Role=("AWS::IAM::Role", {**trust, **after}))

    assert refusal(executed, bound, stack) == ""
    assert f"iam:{refused}RolePermissionsBoundary" in refusal(executed, free, stack)


def test_roles_are_passed_only_to_their_own_service(executed: Executed) -> None:
    passed = f"arn:aws:iam::{ACCOUNT}:role/production-allthrive-x"
    rule = {"ScheduleExpression": "rate(1 day)", "Targets": [{"Id": "a", "Arn": "arn:aws:sqs:x", "RoleArn": passed}]}
    named = {**rule, "Name": "tooling-allthrive-x"}
    code = {"Handler": "a.b", "Runtime": "python3.13", "Code": {"ZipFile": ""}, "Role": executed.root}

    assert f"iam:PassRole on resource: {passed}" in refusal(executed, resources(Rule=("AWS::Events::Rule", named)))
    assert f"iam:PassRole on resource: {executed.root}" in refusal(
        executed, resources(Function=("AWS::Lambda::Function", code))
    )


@pytest.mark.parametrize("by", ["name", "arn"])
def test_the_secret_of_another_product_is_not_read_into_a_template(executed: Executed, by: str) -> None:
    name = unique("another")
    secret = executed.cloud.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps({"key": "x"}))
    reference = f"{{{{resolve:secretsmanager:{secret['ARN'] if by == 'arn' else name}:SecretString:key}}}}"

    assert "secretsmanager:GetSecretValue" in refusal(
        executed, resources(Topic=("AWS::SNS::Topic", {"DisplayName": reference}))
    )


def test_the_secret_of_another_product_is_not_changed(executed: Executed) -> None:
    secret = executed.cloud.client("secretsmanager").create_secret(Name=unique("another"), SecretString="{}")["ARN"]
    properties = {"SecretId": secret, "TargetId": "x", "TargetType": "AWS::RDS::DBInstance"}
    attachment = ("AWS::SecretsManager::SecretTargetAttachment", properties)

    assert f"on resource: {secret}" in refusal(executed, resources(Attachment=attachment))


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::S3::Bucket", {"BucketName": "somebody-elses"}),
        ("AWS::ECR::Repository", {"RepositoryName": "somebody/else"}),
        ("AWS::CodeBuild::Project", {"Name": "somebody-elses"}),
        ("AWS::CodePipeline::Pipeline", {"Name": "somebody-elses"}),
        ("AWS::Logs::LogGroup", {"LogGroupName": "/somebody/else"}),
        ("AWS::KMS::Key", {}),
        ("AWS::DynamoDB::Table", {"TableName": "production-allthrive-table"}),
    ],
)
def test_names_of_others_and_services_that_no_product_uses_are_refused(
    executed: Executed, kind: str, properties: dict[str, Any]
) -> None:
    assert "not authorized to perform" in refusal(executed, resources(Other=(kind, properties)))
