"""The gate's verdict on findings and acceptances."""

from __future__ import annotations

import pytest

from slipway_cli.gate.check import verdict
from slipway_cli.gate.document import LIMIT
from slipway_cli.gate.findings import Accepted, Finding, Inspection, matches, risks

WHY = "the bucket of access logs: a record of its own requests would make requests"
BUCKET = "production/Data/AccessLogs"


def finding(rule: str = "CKV_AWS_18", path: str = f"{BUCKET}/Resource") -> Finding:
    return Finding("checkov", rule, path, "no access logging")


def accepted(path: str = BUCKET, rule: str = "CKV_AWS_18", reason: str = WHY, *, wide: bool = False) -> Accepted:
    return Accepted(path, (rule,), reason, "slipway.private_bucket.PrivateBucket", wide)


def inspection(findings: list[Finding], given: list[Accepted]) -> Inspection:
    return Inspection("shop", tuple(findings), tuple(given))


def test_a_finding_is_refused_with_its_construct_reason_and_advice() -> None:
    lines, _ = verdict([inspection([finding()], [])], [])

    assert lines == [
        f"shop: {BUCKET}/Resource",
        "    CKV_AWS_18 (checkov): no access logging",
        '    correct it there; or, if it is right, write beside its construct: accept(self, "<why>", "CKV_AWS_18")',
    ]


def test_an_accepted_finding_passes_and_is_listed_once() -> None:
    lines, accepted_risks = verdict([inspection([finding()], [accepted()])], [])

    assert lines == []
    assert [(risk.reason, risk.rules, risk.findings) for risk in accepted_risks] == [(WHY, ("CKV_AWS_18",), 1)]


@pytest.mark.parametrize(
    "elsewhere",
    [finding(path="production/Data/Media/Resource"), finding(path=f"{BUCKET}2/Resource"), finding("CKV_AWS_19")],
)
def test_accepting_one_finding_accepts_no_other(elsewhere: Finding) -> None:
    inspected = inspection([finding(), elsewhere], [accepted()])

    assert inspected.refused() == [elsewhere]


def test_an_acceptance_without_findings_is_refused() -> None:
    (problem,) = inspection([], [accepted()]).wrong()

    assert "a rule without findings, CKV_AWS_18: remove it" in problem
    assert "slipway.private_bucket.PrivateBucket" in problem


def test_one_accepted_rule_without_findings_is_refused() -> None:
    both = Accepted(BUCKET, ("CKV_AWS_18", "AwsSolutions-S1"), WHY, "it")

    assert [problem for problem in inspection([finding()], [both]).wrong() if "AwsSolutions-S1" in problem]
    assert not [problem for problem in inspection([finding()], [both]).wrong() if "CKV_AWS_18" in problem]


def test_an_acceptance_for_a_whole_stack_is_refused() -> None:
    (problem,) = inspection([finding()], [accepted("production/Data", wide=True)]).wrong()

    assert "a whole stack or more" in problem


@pytest.mark.parametrize("reason", ["", "false positive", "not needed here, see ticket"])
def test_a_short_label_is_not_a_reason(reason: str) -> None:
    (problem,) = inspection([finding()], [accepted(reason=reason)]).wrong()

    assert "write a sentence that explains why" in problem


@pytest.mark.parametrize(
    ("rule", "found", "covered"),
    [
        ("AwsSolutions-IAM5[Resource::*]", "AwsSolutions-IAM5[Resource::*]", True),
        ("AwsSolutions-IAM5[Resource::*]", "AwsSolutions-IAM5[Resource::arn:x/*]", False),
        ("AwsSolutions-IAM5[Resource::…/*]", "AwsSolutions-IAM5[Resource::<Bucket.Arn>/*]", True),
        ("AwsSolutions-IAM5[Resource::…/media/*]", "AwsSolutions-IAM5[Resource::<Bucket.Arn>/*]", False),
        ("AwsSolutions-S1", "AwsSolutions-S10", False),
    ],
)
def test_a_wildcard_is_accepted_for_its_own_resource_only(rule: str, found: str, covered: bool) -> None:
    assert matches(rule, finding(found)) is covered


def test_as_many_accepted_risks_as_the_limit_are_too_many() -> None:
    few, many = (
        [accepted(reason=f"{WHY}, number {number:03}") for number in range(count)] for count in (LIMIT - 1, LIMIT)
    )

    assert verdict([inspection([finding()], few)], [])[0] == []
    assert f"{LIMIT} accepted risks" in verdict([inspection([finding()], many)], [])[0][-1]


def test_findings_in_workflows_cannot_be_accepted() -> None:
    at = Finding("zizmor", "unpinned-uses", ".github/workflows/ci.yml:3", "action is not pinned")

    assert verdict([], [at])[0][-1] == "    correct it there; findings in workflows cannot be accepted"


def test_one_reason_for_many_constructs_is_one_risk() -> None:
    paths = [f"production/Data/Bucket{number}" for number in range(5)]
    inspected = inspection([finding(path=path) for path in paths], [accepted(path) for path in paths])

    (risk,) = risks([inspected, inspected])

    assert (len(risk.constructs), risk.findings) == (5, 5)
