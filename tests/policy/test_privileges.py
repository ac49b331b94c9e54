"""Each statement of each role has a row in docs/least-privilege.md, with evidence or a reason, and none without one."""

from __future__ import annotations

import re

import pytest

from paths import ROOT
from policy.privileges import evidence, reasons
from policy.privileges.roles import Roles
from policy.privileges.table import PAGE, PRODUCT, page, row, statements
from policy.templates import templates
from products import load

STATEMENTS = statements()
KNOWN = evidence.load()


def test_every_statement_has_evidence_or_a_reason() -> None:
    assert [statement for statement in sorted(STATEMENTS) if row(statement, KNOWN) is None] == []


def test_evidence_and_reasons_refer_to_existing_statements() -> None:
    assert [statement for statement in KNOWN if statement not in STATEMENTS] == []
    assert reasons.without_a_statement(set(STATEMENTS)) == []


def test_a_statement_with_evidence_has_no_reason() -> None:
    assert [statement for statement in KNOWN if reasons.reason(statement)] == []


@pytest.mark.parametrize("why", sorted(set(reasons.JUSTIFIED.values())))
def test_a_reason_can_be_looked_up(why: str) -> None:
    """It names a page of AWS, an existing test, or a file."""
    tests = re.findall(r"(tests/\S+\.py), (test_\w+)", why)

    assert "docs.aws.amazon.com/" in why or tests or "stacks/" in why
    for path, name in tests:
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make privileges, or python -m policy.privileges"


def test_a_new_statement_without_evidence_is_found() -> None:
    changed = templates(PRODUCT)
    resources = changed["production-allthrive-access"]["Resources"].values()
    policy = next(resource for resource in resources if resource["Type"] == "AWS::IAM::Policy")
    policy["Properties"]["PolicyDocument"]["Statement"].append(
        {"Sid": "Planted", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    )
    found = Roles(load(PRODUCT), changed).statements()

    assert [statement.name for statement in found if row(statement, KNOWN) is None] == ["Planted"]


@pytest.mark.parametrize(
    ("failure", "shown"),
    [
        (
            "An error occurred (X) when calling the RunTask operation: not authorized to perform: ecs:RunTask on r",
            "RunTask refused",
        ),
        (
            "x when calling the RunTask operation: not authorized to perform: iam:PassRole on r",
            "RunTask refused: iam:PassRole",
        ),
        (
            '{"message": "The role r may not lambda:InvokeFunction on f"}',
            "the action is refused: lambda:InvokeFunction",
        ),
        (
            "Role r does not allow AWS CodeBuild to download the source s3://b/k: s3:GetObject on arn is denied",
            "CodeBuild may not download the source: s3:GetObject",
        ),
        (
            "r does not allow AWS CodeBuild to write Amazon CloudWatch Logs (/aws/g): logs:CreateLogStream on arn",
            "CodeBuild may not write Amazon CloudWatch Logs: logs:CreateLogStream",
        ),
        (
            "\nfatal error: An error occurred (403) when calling the HeadObject operation: Forbidden",
            "HeadObject refused: 403",
        ),
        ("it broke\nand more", "it broke"),
    ],
)
def test_a_failure_is_summarized_in_a_few_words(failure: str, shown: str) -> None:
    assert evidence.summary(failure) == shown
