"""No function works without any one of its statements, and none reaches further than they say.

Every statement is really taken away, in a cloud that asks IAM at each call. `make privileges` writes what failed.
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

# A build reads its source before it runs and CodeBuild writes its log: not what its commands do.
BY_CODEBUILD = {"ReadArtifacts", "SeeArtifacts", "WriteLog"}
# Without containers no migration leaves a log (tests/end_to_end/allthrive/test_least_privilege.py).
WITH_CONTAINERS = Statement("access: Migrate", "ReadItsLog")
STATEMENTS = sorted(
    it
    for it in shipped_roles().statements()
    if it.role in OF_ROLES
    and it != WITH_CONTAINERS
    and not (it.role.startswith("delivery: Flow") and it.name in BY_CODEBUILD)
)


@pytest.fixture(scope="module")
def failures() -> Iterator[dict[Statement, str]]:
    """What failed without a statement."""
    yield from recorded(STATEMENTS)


@pytest.mark.parametrize("role", sorted(OF_ROLES))
def test_with_all_its_statements_it_works(work: Work, role: str) -> None:
    outcome = OF_ROLES[role](work)

    assert outcome.done, outcome.said


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda it: f"{it.role}, {it.name}")
def test_without_a_statement_it_fails_unless_that_is_explained(
    work: Work, failures: dict[Statement, str], statement: Statement
) -> None:
    role = work.role(statement.role)
    assert statement.name in work.deployed.statements(role)
    with work.deployed.without(role, statement.name):
        outcome = OF_ROLES[statement.role](work)

    if not outcome.done:
        failures[statement] = evidence.summary(outcome.said)
    assert outcome.done == (reason(statement) is not None), outcome.said


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
def test_a_function_that_is_told_to_reach_further_is_refused(
    work: Work, function: str, parameters: dict[str, object], refused: str
) -> None:
    outcome = work._act(function, parameters, calls=1)

    assert not outcome.done
    assert "not authorized to perform" in outcome.said
    assert refused in outcome.said
