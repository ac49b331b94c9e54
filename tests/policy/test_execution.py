"""The policies of the execution role and the boundary match the templates, and cannot be circumvented."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from localcloud.cloudformation import needs
from policy.execution import document, handlers, statements
from policy.execution.account import NAME
from policy.execution.document import LIMIT, POLICIES, files, present
from products import names

ACCOUNT = "111122223333"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def policies() -> dict[str, Json]:
    return document.policies(document.products(), ACCOUNT)


@pytest.fixture(scope="module")
def execution(policies: dict[str, Json]) -> list[Json]:
    return [
        statement for name, policy in policies.items() if name != names.BOUNDARY for statement in policy["Statement"]
    ]


def test_the_files_are_up_to_date_with_the_templates() -> None:
    assert present() == files(), "run make docs, after make snapshots"


def test_every_type_of_the_templates_has_the_permissions_of_its_handlers() -> None:
    known = needs.reference()["types"]

    assert {kind for kind in handlers.types() if not kind.startswith("AWS::CloudFormation::")} - set(known) <= {
        "AWS::CDK::Metadata",
        "AWS::DocDB::DBCluster",
        "AWS::DocDB::DBInstance",
        "AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption",
    }


def test_the_permissions_are_those_of_the_installed_schemas() -> None:
    reference = needs.reference()

    assert handlers.permissions(reference["types"]) == reference["types"], "run python -m policy.execution.handlers"


def test_the_policies_are_within_iams_quotas(policies: dict[str, Json]) -> None:
    assert {name: size for name, policy in policies.items() if (size := statements.size(policy)) > LIMIT} == {}
    assert 1 < len([name for name in policies if name.startswith(NAME)]) <= POLICIES


def test_only_a_service_that_the_boundary_allows_as_a_whole_has_a_wildcard(policies: dict[str, Json]) -> None:
    actions = [
        action
        for policy in policies.values()
        for statement in policy["Statement"]
        for action in statement.get("Action", ())
    ]

    # AWS's schemas of a few types list patterns of read actions.
    of_aws = {
        action
        for verbs in needs.reference()["types"].values()
        for listed in verbs.values()
        for action in listed
        if re.search(r":(Describe|Get|List)\w*\*$", action)
    }
    # The boundary has one action for all Describe* of a service whose descriptions hold no secret.
    described = {f"{service}:Describe*" for service in ("cloudwatch", "ec2", "elasticloadbalancing", "logs")}
    assert {action for action in actions if "*" in action} - of_aws - described == {"cloudfront-keyvaluestore:*"}


def test_permissions_are_given_only_to_roles_with_the_boundary(execution: list[Json]) -> None:
    giving = {"iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"}
    for statement in execution:
        if giving & set(statement["Action"]):
            assert statement["Condition"] == {
                "StringEquals": {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/slipway-boundary"}
            }


def test_no_principal_without_a_boundary_can_be_created(execution: list[Json]) -> None:
    actions = {action for statement in execution for action in statement["Action"] if action.startswith("iam:")}
    words = ("User", "Group", "AccessKey", "LoginProfile", "DeleteRolePermissionsBoundary", "CreatePolicy")

    assert [action for action in sorted(actions) if any(word in action for word in words)] == []
    assert "sts:AssumeRole" not in {action for statement in execution for action in statement["Action"]}


def test_only_roles_of_the_products_are_passed_and_only_to_named_services(execution: list[Json]) -> None:
    passing = [statement for statement in execution if "iam:PassRole" in statement["Action"]]

    assert passing
    for statement in passing:
        assert set(statement["Condition"]["StringEquals"]) == {"iam:PassedToService"}
        assert "*" not in {str(place).rpartition(":role/")[2] for place in [statement["Resource"]]}


def test_iam_actions_are_limited_to_the_products_names(execution: list[Json]) -> None:
    places = {
        place
        for statement in execution
        if any(action.startswith("iam:") for action in statement["Action"])
        for place in ([statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"])
    }
    kinds = ("-allthrive-", "-edenco-", ":role/aws-service-role/", ":oidc-provider/token.actions.githubusercontent.com")

    assert [place for place in sorted(places) if not any(kind in place for kind in kinds)] == []


def test_the_boundary_allows_no_privilege_escalation(policies: dict[str, Json]) -> None:
    allowed = [statement for statement in policies[names.BOUNDARY]["Statement"] if statement["Effect"] == "Allow"]
    everywhere = {action for statement in allowed if statement["Resource"] == "*" for action in statement["Action"]}
    actions = {action for statement in allowed for action in statement["Action"]}

    assert {action for action in actions if action.startswith("iam:")} == {"iam:PassRole"}
    risky = {"iam:PassRole", "sts:AssumeRole", "secretsmanager:GetSecretValue", "cloudformation:UpdateStack"}
    assert risky & everywhere == set()


def test_the_roles_of_github_are_limited_to_githubs_tasks(policies: dict[str, Json]) -> None:
    (denied,) = [statement for statement in policies[names.BOUNDARY]["Statement"] if statement["Effect"] == "Deny"]

    assert "codepipeline:StartPipelineExecution" in denied["NotAction"]
    assert "sts:AssumeRole" not in denied["NotAction"]
    assert f"arn:aws:iam::{ACCOUNT}:role/production-allthrive-github-actions-role" in json.dumps(denied["Condition"])
