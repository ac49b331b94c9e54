"""Roles for GitHub Actions of one repository, without long-lived keys."""

from __future__ import annotations

import json

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from slipway.github_identity import GitHubProvider, GitHubRepository, GitHubRole
from tests.support.stack import empty_stack, properties
from tests.support.synthesis import Json

ISSUER = "token.actions.githubusercontent.com"
REPOSITORY = GitHubRepository("acme", "shop", 11, 22, ["names", "ids"])


def role(*, ref: str = "refs/heads/main", existing: bool = False) -> Template:
    stack = empty_stack()
    GitHubRole(
        stack,
        "Role",
        role_name="shop-deploy",
        description="any",
        provider=GitHubProvider(stack, "GitHub", existing=existing),
        repository=REPOSITORY,
        suffix=":environment:production",
        ref=ref,
        statements=[iam.PolicyStatement(actions=["codepipeline:StartPipelineExecution"], resources=["arn:aws:any"])],
    )
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def template() -> Template:
    return role()


def trust(template: Template) -> Json:
    (statement,) = properties(template, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    return dict(statement)


@pytest.mark.parametrize(
    ("formats", "subjects"),
    [
        (["names"], ["repo:acme/shop:pull_request"]),
        (["ids"], ["repo:acme@11/shop@22:pull_request"]),
        (["names", "ids"], ["repo:acme/shop:pull_request", "repo:acme@11/shop@22:pull_request"]),
    ],
)
def test_a_subject_contains_the_repositorys_names_ids_or_both(formats: list[str], subjects: list[str]) -> None:
    assert GitHubRepository("acme", "shop", 11, 22, formats).subjects(":pull_request") == subjects


def test_only_one_kind_of_job_of_one_repository_on_one_reference_can_assume_the_role(template: Template) -> None:
    assert trust(template)["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust(template)["Condition"] == {
        "StringEquals": {
            f"{ISSUER}:aud": "sts.amazonaws.com",
            f"{ISSUER}:sub": REPOSITORY.subjects(":environment:production"),
            f"{ISSUER}:repository_id": "22",
            f"{ISSUER}:ref": "refs/heads/main",
        }
    }


def test_a_star_in_the_reference_matches_any_text_there_and_nowhere_else() -> None:
    condition = trust(role(ref="refs/pull/*"))["Condition"]

    assert condition["StringLike"] == {f"{ISSUER}:ref": "refs/pull/*"}
    assert f"{ISSUER}:ref" not in condition["StringEquals"]
    assert f"{ISSUER}:sub" in condition["StringEquals"]


def test_a_session_lasts_at_most_an_hour(template: Template) -> None:
    assert properties(template, "AWS::IAM::Role")["MaxSessionDuration"] == 3600


def test_the_provider_is_created_in_an_account_without_one(template: Template) -> None:
    found = properties(template, "AWS::IAM::OIDCProvider")

    assert (found["Url"], found["ClientIdList"]) == (f"https://{ISSUER}", ["sts.amazonaws.com"])


def test_the_existing_provider_of_an_account_is_used() -> None:
    template = role(existing=True)

    template.resource_count_is("AWS::IAM::OIDCProvider", 0)
    assert f":oidc-provider/{ISSUER}" in json.dumps(trust(template)["Principal"])
