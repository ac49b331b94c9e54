"""The Identity stack: exactly one kind of job can assume each role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from products import load
from tests.support.manifests import manifest
from tests.support.synthesis import PRODUCTS, Json, Synthesis, listed, shipped, statements, synthesis

STACK = "tooling-allthrive-identity"
ISSUER = "token.actions.githubusercontent.com"
NAMES = "repo:allthrive-ai/allthrive"
IDS = "repo:allthrive-ai@90000001/allthrive@700000001"


def role(app: Synthesis, name: str) -> Json:
    (found,) = [
        resource["Properties"]
        for place, resource in app.resources("AWS::IAM::Role", STACK).items()
        if f"/{name}" in place
    ]
    return dict(found)


def trust(app: Synthesis, name: str) -> Json:
    (statement,) = role(app, name)["AssumeRolePolicyDocument"]["Statement"]
    return dict(statement)


@pytest.mark.parametrize(
    ("name", "suffix", "ref"),
    [
        ("Diff", ":pull_request", "refs/pull/*/merge"),
        ("StagingDeploy", ":environment:staging", "refs/heads/main"),
        ("ProductionDeploy", ":environment:production", "refs/heads/main"),
    ],
)
def test_a_role_trusts_one_subject_of_one_repository(name: str, suffix: str, ref: str) -> None:
    equals: dict[str, Any] = {
        f"{ISSUER}:aud": "sts.amazonaws.com",
        f"{ISSUER}:sub": [f"{NAMES}{suffix}", f"{IDS}{suffix}"],
        f"{ISSUER}:repository_id": "700000001",
    }
    pattern = {"StringLike": {f"{ISSUER}:ref": ref}} if "*" in ref else {}
    pinned = {} if pattern else {f"{ISSUER}:ref": ref}
    found = trust(shipped("allthrive"), name)

    assert found["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert found["Condition"] == {"StringEquals": {**equals, **pinned}, **pattern}


@pytest.mark.parametrize(("formats", "subjects"), [(["names"], NAMES), (["ids"], IDS)])
def test_the_subject_has_the_formats_in_the_manifest(formats: list[str], subjects: str) -> None:
    found = trust(synthesis({"repository.subject_formats": formats}, tooling=True), "Diff")

    assert listed(found["Condition"]["StringEquals"][f"{ISSUER}:sub"]) == [f"{subjects}:pull_request"]


def test_the_trust_names_the_branch_in_the_manifest() -> None:
    trunk = {"repository.branch": "trunk", "pipeline.flows.main.branches": ["trunk"]}
    found = trust(synthesis(trunk, tooling=True), "ProductionDeploy")

    assert found["Condition"]["StringEquals"][f"{ISSUER}:ref"] == "refs/heads/trunk"


def test_only_github_can_assume_the_roles() -> None:
    roles = shipped("allthrive").resources("AWS::IAM::Role", STACK)

    assert len(roles) == 3
    for place, role in roles.items():
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            assert list(statement["Principal"]) == ["Federated"], place


def test_every_role_lasts_an_hour_and_has_the_boundary() -> None:
    for place, resource in shipped("allthrive").resources("AWS::IAM::Role", STACK).items():
        assert resource["Properties"]["MaxSessionDuration"] == 3600, place
        assert resource["Properties"]["PermissionsBoundary"].endswith(":policy/slipway-boundary"), place


def granted(app: Synthesis, name: str, stack: str = STACK) -> dict[str, Any]:
    """Returns the resources that a role's policies name for each action."""
    return {
        action: statement["Resource"]
        for place, statement in statements(app[stack])
        if place.startswith(name) and "Policy" in place
        for action in listed(statement["Action"])
    }


def test_a_pull_request_can_read_stacks_and_nothing_else() -> None:
    assert set(granted(shipped("allthrive"), "Diff")) == {
        "cloudformation:DescribeStackResources",
        "cloudformation:DescribeStacks",
        "cloudformation:GetTemplate",
        "cloudformation:ListStackResources",
    }


PUSHING = {"pipeline": None}
CHECKS = {"backend": {"build": "backend"}}


def test_no_role_can_push_images_that_a_pipeline_publishes() -> None:
    for product in PRODUCTS:
        app = shipped(product)
        granting = [
            place
            for place, statement in statements(app[f"tooling-{product}-identity"])
            if "ecr:" in str(statement["Action"])
        ]
        assert granting == [], product


def test_without_a_publishing_pipeline_jobs_in_one_github_environment_can_push_but_not_delete() -> None:
    app = synthesis(PUSHING, tooling=True)
    actions = set(granted(app, "ImagePush"))
    equals = trust(app, "ImagePush")["Condition"]["StringEquals"]

    assert "ecr:PutImage" in actions
    assert {action for action in actions if not action.startswith("ecr:") or "Delete" in action} == set()
    assert equals[f"{ISSUER}:sub"] == [f"{NAMES}:environment:tooling", f"{IDS}:environment:tooling"]
    assert equals[f"{ISSUER}:ref"] == "refs/heads/main"


# By the flow that ends there.
STARTED = {"staging": "feature", "production": "main", "dev": "dev"}
# One flow of the showcase deploys to all three environments, and ends in production.
PASSED = {("showcase", "dev"), ("showcase", "staging")}


@pytest.mark.parametrize(
    ("product", "environment"),
    [pair for product in PRODUCTS for name in load(product).environments if (pair := (product, name)) not in PASSED],
)
def test_an_environments_role_can_start_the_pipelines_that_end_there(product: str, environment: str) -> None:
    found = granted(shipped(product), f"{environment.capitalize()}Deploy", f"tooling-{product}-identity")

    assert set(found) == {"codepipeline:StartPipelineExecution", "codepipeline:GetPipelineExecution"}
    assert {str(resource).rpartition(":")[2] for resource in found.values()} == {f"{product}-{STARTED[environment]}"}


@pytest.mark.parametrize(("product", "environment"), sorted(PASSED))
def test_the_role_of_an_environment_in_which_no_pipeline_ends_can_start_none(product: str, environment: str) -> None:
    assert granted(shipped(product), f"{environment.capitalize()}Deploy", f"tooling-{product}-identity") == {}


def test_no_role_can_start_a_pipeline_through_a_protected_environment_to_an_unprotected_one() -> None:
    flows = {"branches": ["main"], "stages": ["test", "publish", "production", "staging"]}
    app = synthesis({"pipeline.flows": {"main": flows}, "pipeline.checks": CHECKS}, tooling=True)

    assert not [place for place in app.resources("AWS::IAM::Role", STACK) if "/StagingDeploy" in place]


def test_an_environment_without_a_pipeline_of_its_own_has_no_role() -> None:
    flows = {"branches": ["main"], "stages": ["test", "publish", "staging", "production"]}
    app = synthesis({"pipeline.flows": {"main": flows}, "pipeline.checks": CHECKS}, tooling=True)

    assert not [place for place in app.resources("AWS::IAM::Role", STACK) if "/StagingDeploy" in place]
    assert granted(app, "ProductionDeploy")


def test_a_role_has_the_name_of_an_environment_with_several_words() -> None:
    environments = {"pre-production": manifest()["environments"]["production"]}
    flows = {"branches": ["main"], "stages": ["test", "publish", "pre-production"]}
    app = synthesis(
        {"environments": environments, "pipeline.flows": {"main": flows}, "pipeline.checks": CHECKS}, tooling=True
    )

    assert role(app, "PreProductionDeploy")["RoleName"] == "pre-production-allthrive-github-actions-role"
    assert "PreProductionDeployRoleArn" in app[STACK]["Outputs"]


@pytest.mark.parametrize(
    ("setting", "federated"),
    [
        ("create", lambda value: "Ref" in value or "Fn::GetAtt" in value),
        ("existing", lambda value: f":oidc-provider/{ISSUER}" in str(value)),
    ],
)
def test_the_provider_is_created_or_existing(setting: str, federated: Callable[[Any], bool]) -> None:
    app = synthesis({"tooling.oidc_provider": setting}, tooling=True)

    assert len(app.resources("AWS::IAM::OIDCProvider", STACK)) == (setting == "create")
    assert federated(trust(app, "Diff")["Principal"]["Federated"])


def test_the_provider_admits_only_sts() -> None:
    provider = synthesis(tooling=True).resource("AWS::IAM::OIDCProvider", STACK)

    assert provider["Url"] == f"https://{ISSUER}"
    assert provider["ClientIdList"] == ["sts.amazonaws.com"]
