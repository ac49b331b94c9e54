"""IAM: policies, iam:PassRole, sessions, web identity, and CloudFormation's role."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.iam.issuer import Issuer
from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local

GITHUB = "token.actions.githubusercontent.com"


def code_and_message(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    details = error.value.response["Error"]
    return details["Code"], details["Message"]


def allow(action: str | list[str], resource: str | list[str] = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


# --- TLS, names, denials ---------------------------------------------------------------------------------------------


def test_a_bucket_that_refuses_plain_http_accepts_requests_over_loopback(plain: Plain) -> None:
    s3, bucket = plain.client("s3"), unique("tls")
    s3.create_bucket(Bucket=bucket)
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"


def test_a_denial_message_names_principal_action_and_resource(plain: Plain) -> None:
    name = unique("narrow")
    credentials = plain.session(plain.role(name, allow("s3:GetObject", "arn:aws:s3:::other/*")))
    with pytest.raises(ClientError) as error:
        plain.client("ecr", credentials).list_images(repositoryName="web")
    code, message = code_and_message(error)
    assert code == "AccessDeniedException"
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/test" in message
    assert "ecr:ListImages" in message
    assert f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/web" in message


@pytest.mark.parametrize(
    ("service", "action", "resource", "call"),
    [
        ("ecs", "ecs:UpdateService", "service/demo/web", ("update_service", {"cluster": "demo", "service": "web"})),
        ("ecs", "ecs:StopTask", "task/demo/*", ("stop_task", {"cluster": "demo", "task": "abc"})),
        (
            "logs",
            "logs:GetLogEvents",
            "log-group:/x:*",
            ("get_log_events", {"logGroupName": "/x", "logStreamName": "s"}),
        ),
        ("logs", "logs:FilterLogEvents", "log-group:/x:*", ("filter_log_events", {"logGroupName": "/x"})),
        ("codebuild", "codebuild:BatchGetBuilds", "project/p", ("batch_get_builds", {"ids": ["p:1"]})),
        ("ssm", "ssm:GetParameters", "parameter/a/*", ("get_parameters", {"Names": ["/a/b"]})),
    ],
)
def test_a_policy_for_one_resource_allows_only_that_resource(
    plain: Plain, service: str, action: str, resource: str, call: tuple[str, dict[str, Any]]
) -> None:
    arn = f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"
    operation, arguments = call
    allowed = plain.session(plain.role(unique("one"), allow(action, arn)))
    other = plain.session(plain.role(unique("other"), allow(action, arn.replace("/", "/other-", 1))))
    assert outcome(plain.client(service, allowed), operation, arguments) != "denied"
    assert outcome(plain.client(service, other), operation, arguments) == "denied"


def outcome(client: Any, operation: str, arguments: dict[str, Any]) -> str:
    try:
        getattr(client, operation)(**arguments)
    except ClientError as error:
        return "denied" if "AccessDenied" in error.response["Error"]["Code"] else "other error"
    return "done"


def test_a_permissions_boundary_limits_a_role(plain: Plain) -> None:
    iam = plain.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:*")]})
    boundary = iam.create_policy(PolicyName=unique("boundary"), PolicyDocument=document)["Policy"]["Arn"]
    credentials = plain.session(plain.role(unique("capped"), allow("*"), PermissionsBoundary=boundary))
    plain.client("s3", credentials).list_buckets()
    with pytest.raises(ClientError, match="sqs:ListQueues"):
        plain.client("sqs", credentials).list_queues()


# --- iam:PassRole ----------------------------------------------------------------------------------------------------


def test_passing_a_role_to_a_service_needs_pass_role(plain: Plain) -> None:
    passed = plain.role(unique("task"))
    register = {"family": "f", "containerDefinitions": [{"name": "a", "image": "a"}], "taskRoleArn": passed}
    without = plain.session(plain.role(unique("without"), allow("ecs:*")))
    with pytest.raises(ClientError, match=f"iam:PassRole on resource: {passed}"):
        plain.client("ecs", without).register_task_definition(**register)
    within = plain.session(plain.role(unique("with"), allow("ecs:*"), allow("iam:PassRole", passed)))
    plain.client("ecs", within).register_task_definition(**register)


def test_pass_role_can_be_limited_to_the_receiving_service(plain: Plain) -> None:
    passed = plain.role(unique("build"))
    condition = {"StringEquals": {"iam:PassedToService": "codebuild.amazonaws.com"}}
    pass_role = {**allow("iam:PassRole", passed), "Condition": condition}
    credentials = plain.session(plain.role(unique("limited"), allow(["ecs:*", "codebuild:*"]), pass_role))
    project = {
        "name": unique("p"),
        "source": {"type": "NO_SOURCE", "buildspec": "version: 0.2"},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
        "serviceRole": passed,
    }
    plain.client("codebuild", credentials).create_project(**project)
    with pytest.raises(ClientError, match="iam:PassRole"):
        plain.client("ecs", credentials).register_task_definition(
            family="f", containerDefinitions=[{"name": "a", "image": "a"}], taskRoleArn=passed
        )


def test_running_a_task_definition_needs_pass_role_for_its_roles(plain: Plain) -> None:
    passed = plain.role(unique("task"))
    plain.client("ecs").register_task_definition(
        family="passing", containerDefinitions=[{"name": "a", "image": "a"}], taskRoleArn=passed
    )
    credentials = plain.session(plain.role(unique("runner"), allow("ecs:*")))
    with pytest.raises(ClientError, match="iam:PassRole"):
        plain.client("ecs", credentials).run_task(cluster="default", taskDefinition="passing")


# --- sessions --------------------------------------------------------------------------------------------------------


def test_a_session_is_limited_to_its_roles_max_session_duration(plain: Plain) -> None:
    role = plain.role(unique("short"), MaxSessionDuration=7200)
    assert plain.session(role, DurationSeconds=7200)
    with pytest.raises(ClientError, match="MaxSessionDuration"):
        plain.session(role, DurationSeconds=7201)


def test_role_chaining_is_limited_to_an_hour(plain: Plain) -> None:
    second = plain.role(unique("second"), MaxSessionDuration=43200)
    first = plain.session(plain.role(unique("first"), allow("sts:AssumeRole", second)))
    sts = plain.client("sts", first)
    assert sts.assume_role(RoleArn=second, RoleSessionName="again", DurationSeconds=3600)
    with pytest.raises(ClientError, match="role chaining"):
        sts.assume_role(RoleArn=second, RoleSessionName="again", DurationSeconds=3601)


def test_a_trust_policy_for_one_role_admits_only_its_sessions(plain: Plain) -> None:
    named, other = unique("named"), unique("other")
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": [f"arn:aws:iam::{ACCOUNT}:role/{named}"]}},
    }
    pinned = plain.role(unique("pinned"), trust=trust)
    callers = [plain.session(plain.role(name, allow("sts:AssumeRole", pinned))) for name in (named, other)]

    assert plain.client("sts", callers[0]).assume_role(RoleArn=pinned, RoleSessionName="in")
    with pytest.raises(ClientError, match="AccessDenied"):
        plain.client("sts", callers[1]).assume_role(RoleArn=pinned, RoleSessionName="out")


@pytest.mark.parametrize(("named", "denied"), [("web", False), ("other", True)])
def test_listing_tasks_can_be_limited_to_a_cluster(plain: Plain, named: str, denied: bool) -> None:
    cluster = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/web"
    statement = {**allow("ecs:ListTasks"), "Condition": {"ArnEquals": {"ecs:cluster": cluster}}}
    role = plain.role(unique("lists"), statement)

    found = outcome(plain.client("ecs", plain.session(role)), "list_tasks", {"cluster": named})

    assert (found == "denied") is denied


# --- web identity ----------------------------------------------------------------------------------------------------


CLAIMS = {
    "sub": "repo:acme/shop:environment:production",
    "repository_id": "4711",
    "ref": "refs/heads/main",
    "environment": "production",
}


@pytest.fixture(scope="module")
def github_role(plain: Plain) -> str:
    plain.client("iam").create_open_id_connect_provider(
        Url=f"https://{GITHUB}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )
    equals = {
        f"{GITHUB}:aud": ["sts.amazonaws.com"],
        f"{GITHUB}:sub": [CLAIMS["sub"], "repo:acme/shop:ref:refs/heads/main"],
        f"{GITHUB}:repository_id": ["4711", "4712"],
        f"{GITHUB}:ref": ["refs/heads/main"],
        f"{GITHUB}:environment": ["staging", "production"],
    }
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": equals},
    }
    return plain.role(unique("github"), trust=trust)


@pytest.fixture(scope="module")
def sign(plain: Plain) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALCLOUD_STATE", str(plain.state))
        return Issuer(GITHUB).token


def assume(plain: Plain, role: str, token: str, **more: Any) -> dict[str, Any]:
    sts = boto3.client("sts", endpoint_url=plain.url, region_name=REGION, config=Config(signature_version=UNSIGNED))
    answer: dict[str, Any] = sts.assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="ci", WebIdentityToken=token, **more
    )
    return answer


def test_a_token_with_the_required_claims_can_assume_the_role(plain: Plain, github_role: str, sign: Any) -> None:
    answer = assume(plain, github_role, sign(**CLAIMS))
    identity = plain.client("sts", answer["Credentials"]).get_caller_identity()
    assert identity["Arn"].endswith("/ci")


@pytest.mark.parametrize(
    "wrong",
    [
        {"sub": "repo:acme/shop:ref:refs/heads/evil"},
        {"repository_id": "9999"},
        {"ref": "refs/heads/feature"},
        {"environment": "dev"},
    ],
)
def test_a_token_with_one_wrong_claim_is_denied(
    plain: Plain, github_role: str, sign: Any, wrong: dict[str, str]
) -> None:
    with pytest.raises(ClientError) as error:
        assume(plain, github_role, sign(**{**CLAIMS, **wrong}))
    assert code_and_message(error)[0] == "AccessDenied"


def test_a_token_without_a_required_claim_is_denied(plain: Plain, github_role: str, sign: Any) -> None:
    with pytest.raises(ClientError) as error:
        assume(plain, github_role, sign(**{key: value for key, value in CLAIMS.items() if key != "environment"}))
    assert code_and_message(error)[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "https://github.com/acme"}, "InvalidIdentityToken: Incorrect token audience"),
        ({"exp": int(time.time()) - 10}, "ExpiredTokenException: Token expired"),
        ({"nbf": int(time.time()) + 900}, "InvalidIdentityToken: The ID Token is not valid yet"),
        ({"iss": "https://example.com"}, "InvalidIdentityToken: No OpenIDConnect provider"),
    ],
)
def test_an_invalid_token_is_refused_with_the_reason(
    plain: Plain, github_role: str, sign: Any, claims: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ClientError) as error:
        assume(plain, github_role, sign(**{**CLAIMS, **claims}))
    assert ": ".join(code_and_message(error)).startswith(reason)


def test_a_forged_signature_is_refused(plain: Plain, github_role: str, sign: Any) -> None:
    head, _claims, signature = sign(**CLAIMS).split(".")
    other = sign(**{**CLAIMS, "actor": "mallory"}).split(".")[1]
    with pytest.raises(ClientError, match="signature"):
        assume(plain, github_role, f"{head}.{other}.{signature}")


def test_a_web_identity_session_is_limited_to_its_roles_max_session_duration(
    plain: Plain, github_role: str, sign: Any
) -> None:
    with pytest.raises(ClientError, match="MaxSessionDuration"):
        assume(plain, github_role, sign(**CLAIMS), DurationSeconds=7200)


# --- CloudFormation under its role -----------------------------------------------------------------------------------


def cloudformation_role(plain: Plain, *statements: dict[str, Any]) -> str:
    return plain.role(unique("exec"), *statements)


def test_a_stack_has_only_the_permissions_of_its_role(plain: Plain) -> None:
    template = resources(Topic=("AWS::SNS::Topic", {}), Bucket=("AWS::S3::Bucket", {}))
    narrow = cloudformation_role(plain, allow("sns:*"))
    with pytest.raises(AssertionError, match=r"s3:CreateBucket on resource: arn:aws:s3:::stack-"):
        plain.deploy(template, RoleARN=narrow)
    wide = cloudformation_role(plain, allow(["sns:*", "s3:*"]))
    assert plain.deploy(template, RoleARN=wide)["Bucket"]


def test_a_stack_can_pass_only_roles_that_its_role_may_pass(plain: Plain) -> None:
    passed = plain.role(unique("task"))
    task = {"Family": "f", "TaskRoleArn": passed, "ContainerDefinitions": [{"Name": "a", "Image": "a"}]}
    template = resources(Task=("AWS::ECS::TaskDefinition", task))
    with pytest.raises(AssertionError, match="iam:PassRole"):
        plain.deploy(template, RoleARN=cloudformation_role(plain, allow("ecs:*")))


def test_a_policy_can_require_a_boundary_for_the_roles_of_a_stack(plain: Plain) -> None:
    iam = plain.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:*")]})
    boundary = iam.create_policy(PolicyName=unique("b"), PolicyDocument=document)["Policy"]["Arn"]
    demand = {**allow("iam:*"), "Condition": {"StringEquals": {"iam:PermissionsBoundary": boundary}}}
    others = allow(["iam:DeleteRole", "iam:GetRole", "iam:GetRolePolicy", "iam:TagRole", "iam:UntagRole"])
    executing = cloudformation_role(plain, demand, others)
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    bare = {"AssumeRolePolicyDocument": trust}
    with pytest.raises(AssertionError, match="iam:CreateRole"):
        plain.deploy(resources(Role=("AWS::IAM::Role", bare)), RoleARN=executing)
    plain.deploy(resources(Role=("AWS::IAM::Role", {**bare, "PermissionsBoundary": boundary})), RoleARN=executing)
