"""What the gate makes of findings and of what is accepted."""

from __future__ import annotations

import pytest

from slipway_cli.gate.check import verdict
from slipway_cli.gate.findings import Accepted, Finding, Inspection, matches, risks

WHY = "the bucket of access logs: a record of its own requests would make requests"
BUCKET = "production/Data/AccessLogs"


def finding(rule: str = "CKV_AWS_18", path: str = f"{BUCKET}/Resource") -> Finding:
    return Finding("checkov", rule, path, "no access logging")


def accepted(path: str = BUCKET, rule: str = "CKV_AWS_18", reason: str = WHY, *, wide: bool = False) -> Accepted:
    return Accepted(path, (rule,), reason, "slipway.private_bucket.PrivateBucket", wide)


def inspection(findings: list[Finding], given: list[Accepted]) -> Inspection:
    return Inspection("shop", tuple(findings), tuple(given))


def test_what_nobody_accepted_is_refused_with_its_place_reason_and_way_out() -> None:
    lines, _ = verdict([inspection([finding()], [])], [])

    assert lines == [
        f"shop: {BUCKET}/Resource",
        "    CKV_AWS_18 (checkov): no access logging",
        '    mend it there; or, where it is right, beside its construct: accept(self, "<why>", "CKV_AWS_18")',
    ]


def test_what_is_accepted_is_let_through_and_told_once() -> None:
    lines, told = verdict([inspection([finding()], [accepted()])], [])

    assert lines == []
    assert [(risk.reason, risk.rules, risk.findings) for risk in told] == [(WHY, ("CKV_AWS_18",), 1)]


@pytest.mark.parametrize(
    "elsewhere",
    [finding(path="production/Data/Media/Resource"), finding(path=f"{BUCKET}2/Resource"), finding("CKV_AWS_19")],
)
def test_accepting_one_thing_accepts_nothing_else(elsewhere: Finding) -> None:
    it = inspection([finding(), elsewhere], [accepted()])

    assert it.refused() == [elsewhere]


def test_what_is_accepted_and_not_found_any_more_is_refused() -> None:
    (said,) = inspection([], [accepted()]).wrong()

    assert "what is not found any more, CKV_AWS_18: take it out" in said
    assert "slipway.private_bucket.PrivateBucket" in said


def test_one_of_two_rules_that_is_not_found_any_more_is_refused() -> None:
    both = Accepted(BUCKET, ("CKV_AWS_18", "AwsSolutions-S1"), WHY, "it")

    assert [said for said in inspection([finding()], [both]).wrong() if "AwsSolutions-S1" in said]
    assert not [said for said in inspection([finding()], [both]).wrong() if "CKV_AWS_18" in said]


def test_what_a_whole_stack_accepts_is_refused() -> None:
    (said,) = inspection([finding()], [accepted("production/Data", wide=True)]).wrong()

    assert "a whole stack or more" in said


@pytest.mark.parametrize("reason", ["", "false positive", "not needed here, see ticket"])
def test_a_label_is_no_reason(reason: str) -> None:
    (said,) = inspection([finding()], [accepted(reason=reason)]).wrong()

    assert "write a sentence that a stranger understands" in said


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


def test_sixty_decisions_are_too_many() -> None:
    few, many = ([accepted(reason=f"{WHY}, number {number:03}") for number in range(count)] for count in (59, 60))

    assert verdict([inspection([finding()], few)], [])[0] == []
    assert "60 accepted risks" in verdict([inspection([finding()], many)], [])[0][-1]


def test_a_workflow_has_nothing_to_accept() -> None:
    at = Finding("zizmor", "unpinned-uses", ".github/workflows/ci.yml:3", "action is not pinned")

    assert verdict([], [at])[0][-1] == "    mend it there; workflows accept nothing"


def test_one_decision_of_many_constructs_is_one_risk() -> None:
    paths = [f"production/Data/Bucket{number}" for number in range(5)]
    it = inspection([finding(path=path) for path in paths], [accepted(path) for path in paths])

    (risk,) = risks([it, it])

    assert (len(risk.constructs), risk.findings) == (5, 5)
