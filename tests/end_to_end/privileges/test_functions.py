"""Every function fails without any single statement of its roles, and can do nothing beyond them.

Each statement is really removed, on a local cloud that checks IAM for each call. `make privileges` records the
failures.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.testing.plain import ACCOUNT, REGION
from policy.privileges import evidence
from policy.privileges.reasons import reason
from policy.privileges.roles import Statement
from policy.privileges.table import shipped_roles
from tests.end_to_end.privileges.recorded import recorded
from tests.end_to_end.privileges.work import IMAGE, OF_ROLES, Work

pytestmark = [pytest.mark.local, pytest.mark.long]

# CodeBuild itself, not the commands of a build, needs these statements.
BY_CODEBUILD = {"ReadArtifacts", "SeeArtifacts", "WriteLog"}
# Without containers a migration writes no log (tests/end_to_end/allthrive/test_least_privilege.py).
WITH_CONTAINERS = Statement("access: Migrate", "ReadItsLog")
STATEMENTS = sorted(
    statement
    for statement in shipped_roles().statements()
    if statement.role in OF_ROLES
    and statement != WITH_CONTAINERS
    and not (statement.role.startswith("delivery: Flow") and statement.name in BY_CODEBUILD)
)


@pytest.fixture(scope="module")
def failures() -> Iterator[dict[Statement, str]]:
    """The failure without each statement."""
    yield from recorded(STATEMENTS)


@pytest.mark.parametrize("role", sorted(OF_ROLES))
def test_a_function_works_with_all_its_statements(work: Work, role: str) -> None:
    outcome = OF_ROLES[role](work)

    assert outcome.succeeded, outcome.output


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: f"{statement.role}, {statement.name}")
def test_a_function_fails_without_a_statement_unless_a_reason_is_given(
    work: Work, failures: dict[Statement, str], statement: Statement
) -> None:
    role = work.role(statement.role)
    assert statement.name in work.deployed.statements(role)
    with work.deployed.without(role, statement.name):
        outcome = OF_ROLES[statement.role](work)

    if not outcome.succeeded:
        failures[statement] = evidence.summary(outcome.output)
    assert outcome.succeeded == (reason(statement) is not None), outcome.output


STAGING = f"arn:aws:iam::{ACCOUNT}:role/staging-allthrive-pipeline-deploy"
OTHER = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/edenco/backend@{IMAGE.partition('@')[2]}"
RELEASE = {"parameters": {"ReleaseVersion": "9"}}


@pytest.mark.parametrize(
    ("function", "parameters", "refused"),
    [
        ("ProductionDeploy", {**RELEASE, "role": STAGING}, "sts:AssumeRole"),
        ("ProductionDeploy", {**RELEASE, "stack": "production-allthrive-data"}, "cloudformation:DescribeStackEvents"),
        ("ProductionDeploy", {**RELEASE, "stack": "staging-allthrive-services"}, "cloudformation:DescribeStackEvents"),
        ("ProductionMigrate", {"stack": "production-allthrive-data"}, "cloudformation:DescribeStacks"),
        (
            "ProductionVerify",
            {"version": "1", "images": [IMAGE], "stack": "production-allthrive-data"},
            "DescribeStacks",
        ),
        ("ProductionInvalidate", {"stack": "staging-allthrive-edge"}, "cloudformation:DescribeStacks"),
        ("ProductionInvalidate", {"role": STAGING.replace("deploy", "invalidate")}, "sts:AssumeRole"),
        ("Promote", {"images": [OTHER], "tag": "v9"}, "ecr:BatchGetImage"),
        (
            "PublishRelease",
            {"tag": "v9", "commit": "c" * 40, "images": [IMAGE], "secret": "edenco/github"},
            "GetSecretValue",
        ),
    ],
)
def test_a_function_whose_parameters_name_other_resources_is_refused(
    work: Work, function: str, parameters: dict[str, object], refused: str
) -> None:
    outcome = work._act(function, parameters, calls=1)

    assert not outcome.succeeded
    assert "not authorized to perform" in outcome.output
    assert refused in outcome.output
