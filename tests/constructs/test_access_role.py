"""A role for one task, which roles of another stack or account assume."""

from __future__ import annotations

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from slipway.access_role import AccessRole
from tests.support.stack import empty_stack, properties
from tests.support.synthesis import Json

ROLE = "AWS::IAM::Role"


@pytest.fixture(scope="module")
def template() -> Template:
    stack = empty_stack()
    AccessRole(
        stack,
        "Role",
        role_name="staging-shop-pipeline-deploy",
        description="any",
        account="444455556666",
        callers=["shop-staging-deploy", "shop-main-staging"],
        statements=[iam.PolicyStatement(actions=["ecs:DescribeServices"], resources=["arn:aws:ecs:::service/a"])],
    )
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def trust(template: Template) -> Json:
    (statement,) = properties(template, ROLE)["AssumeRolePolicyDocument"]["Statement"]
    return dict(statement)


def test_only_the_named_roles_of_the_named_account_can_assume_it(trust: Json) -> None:
    assert "444455556666" in str(trust["Principal"]["AWS"])
    callers = trust["Condition"]["ArnEquals"]["aws:PrincipalArn"]
    assert [str(caller).partition(":role/")[2].rstrip("']}") for caller in callers] == [
        "shop-staging-deploy",
        "shop-main-staging",
    ]


def test_no_caller_is_a_principal_so_that_a_caller_can_be_created_later(trust: Json) -> None:
    assert "role/" not in str(trust["Principal"])


def test_a_session_lasts_at_most_an_hour(template: Template) -> None:
    assert properties(template, ROLE)["MaxSessionDuration"] == 3600


def test_it_may_do_what_its_statements_allow_and_nothing_else(template: Template) -> None:
    (statement,) = properties(template, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]

    assert (statement["Action"], statement["Resource"]) == ("ecs:DescribeServices", "arn:aws:ecs:::service/a")
    assert "ManagedPolicyArns" not in properties(template, ROLE)
