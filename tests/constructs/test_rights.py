"""Policy statements of roles, with a reason for each wildcard."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from slipway.accepted import recording
from slipway.rights import Allow, accept_everywhere, confine_trust, everywhere, give
from tests.support.stack import empty_stack, properties
from tests.support.synthesis import Json

SOURCE = "arn:aws:ecs:us-east-1:111122223333:*"


def role(stack: cdk.Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))


def trust(source: str | None) -> Json:
    stack = empty_stack()
    confine_trust(role(stack), source)
    (statement,) = properties(Template.from_stack(stack), "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    return dict(statement["Condition"])


def test_give_adds_a_statement_to_the_roles_own_policy() -> None:
    stack = empty_stack()
    give(role(stack), [iam.PolicyStatement(actions=["s3:GetObject"], resources=["arn:aws:s3:::a/b"])])
    found = properties(Template.from_stack(stack), "AWS::IAM::Policy")

    assert [entry["Action"] for entry in found["PolicyDocument"]["Statement"]] == ["s3:GetObject"]
    assert found["Roles"] == [properties_ref(stack)]


def properties_ref(stack: cdk.Stack) -> Json:
    (logical_id,) = Template.from_stack(stack).find_resources("AWS::IAM::Role")
    return {"Ref": logical_id}


def test_a_role_without_statements_has_no_policy() -> None:
    stack = empty_stack()
    with recording() as ledger:
        give(role(stack), [])

    Template.from_stack(stack).resource_count_is("AWS::IAM::Policy", 0)
    assert ledger == []


def test_a_wildcard_is_accepted_for_the_reason_in_its_statement() -> None:
    stack = empty_stack()
    with recording() as ledger:
        allowed = Allow(
            actions=["s3:GetObject"], resources=["arn:aws:s3:::a/*", "arn:aws:s3:::b"], because="any reason"
        )
        give(role(stack), [allowed])

    (found,) = [entry for entry in ledger if entry.reason == "any reason"]
    assert found.rules == ("AwsSolutions-IAM5[Resource::arn:aws:s3:::a/*]",)
    assert found.declared.startswith(f"{__name__}.")


def test_a_wildcard_without_a_reason_is_not_accepted() -> None:
    stack = empty_stack()
    with recording() as ledger:
        give(role(stack), [Allow(actions=["s3:GetObject"], resources=["arn:aws:s3:::a/*"])])

    assert not [entry for entry in ledger if "IAM5" in str(entry.rules)]


def test_everywhere_allows_actions_on_all_resources_with_a_reason() -> None:
    statement = everywhere("ecr:GetAuthorizationToken", sid="LogIn", conditions={"Bool": {"a": "true"}})

    assert (statement.actions, statement.resources) == (["ecr:GetAuthorizationToken"], ["*"])
    assert statement.conditions == {"Bool": {"a": "true"}}
    assert "IAM takes `*` only" in str(statement.because)


def test_the_same_reason_accepts_what_the_cdk_allows_everywhere() -> None:
    stack = empty_stack()
    with recording() as ledger:
        accept_everywhere(role(stack))

    (found,) = ledger
    assert found.rules == ("AwsSolutions-IAM5[Resource::*]",)
    assert found.reason == everywhere("a:B").because


@pytest.mark.parametrize(
    ("source", "condition"),
    [
        (None, {"StringEquals": {"aws:SourceAccount": "111122223333"}}),
        (SOURCE, {"StringEquals": {"aws:SourceAccount": "111122223333"}, "ArnLike": {"aws:SourceArn": SOURCE}}),
    ],
    ids=["the account", "the account and the resource"],
)
def test_a_service_can_assume_a_role_for_this_account_only(source: str | None, condition: Json) -> None:
    assert trust(source) == condition
