"""Each statement of each role has a row in docs/least-privilege.md, with evidence or a reason, and none without one."""

from __future__ import annotations

import json
import re

import pytest

from policy.privileges import evidence, reasons
from policy.privileges.roles import Roles, Statement
from policy.privileges.table import PAGE, PRODUCT, ROOT, page, row, shipped_roles, templates
from products import load

STATEMENTS = shipped_roles().statements()
KNOWN = evidence.load()


def test_every_statement_is_shown_to_be_needed_or_explained() -> None:
    assert [it for it in sorted(STATEMENTS) if row(it, KNOWN) is None] == []


def test_nothing_is_said_of_a_statement_that_is_no_longer_there() -> None:
    assert [it for it in {**KNOWN.removed, **KNOWN.traced} if it not in STATEMENTS] == []
    assert reasons.without_a_statement(set(STATEMENTS)) == []


def test_nothing_is_explained_that_fails_without_its_statement() -> None:
    assert [it for it in KNOWN.removed if reasons.reason(it)] == []


@pytest.mark.parametrize("why", sorted(set(reasons.JUSTIFIED.values())))
def test_a_reason_can_be_looked_up(why: str) -> None:
    """It names a page of AWS, a test that is there, or a file."""
    tests = re.findall(r"(tests/\S+\.py), (test_\w+)", why)

    assert "docs.aws.amazon.com/" in why or tests or "stacks/" in why
    for path, name in tests:
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


def test_the_page_says_what_is_known() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make privileges, or python -m policy.privileges"


def test_a_new_statement_without_evidence_is_found() -> None:
    changed = templates()
    resources = changed["production-allthrive-access"]["Resources"].values()
    policy = next(it for it in resources if it["Type"] == "AWS::IAM::Policy")
    policy["Properties"]["PolicyDocument"]["Statement"].append(
        {"Sid": "Planted", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    )
    found = Roles(load(PRODUCT), changed).statements()

    assert [it.name for it in found if row(it, KNOWN) is None] == ["Planted"]


def test_two_statements_that_allow_the_same_show_nothing_of_either() -> None:
    decision = {"role": "production-allthrive-pipeline-deploy", "action": "a:B", "resource": "*", "allowed": True}
    alone, both = ({**decision, "by": by} for by in (["UpdateStack"], ["SeeServices", "UpdateStack"]))

    assert evidence.traced(shipped_roles(), [json.dumps(both)]) == {}
    assert evidence.traced(shipped_roles(), [json.dumps(alone)]) == {
        Statement("access: Deploy", "UpdateStack"): ["a:B"]
    }


@pytest.mark.parametrize(
    ("said", "shown"),
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
        ("it broke\nand more", "it broke"),
    ],
)
def test_what_failed_is_said_in_a_few_words(said: str, shown: str) -> None:
    assert evidence.shortly(said) == shown


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("production-allthrive-pipeline-deploy", "access: Deploy"),
        ("staging-allthrive-pipeline-deploy", "access: Deploy"),
        ("tooling-allthrive-main-production-publish", "delivery: FlowEnvironmentFrontendRole"),
        ("tooling-allthrive-delivery-MainTestBackendAction1CB13E90B447", "delivery: FlowTestBackendAction"),
        ("production-allthrive-services-PasswordRotationHandl467AA2BD3", "services: PasswordRotationHandlerRole"),
        ("tooling-edenco-delivery-MainTestBackendAction1CB13E90B447", None),
        ("cdk-hnb659fds-deploy-role-111122223333-us-east-1", None),
    ],
)
def test_a_roles_kind_is_known_by_its_name_in_an_account(name: str, kind: str | None) -> None:
    assert shipped_roles().kind_of(name) == kind
