"""Findings of the policy gate that are accepted."""

from __future__ import annotations

import pytest
from constructs import Construct

from slipway.accepted import accept, accept_aws_key, acknowledge, audits, recording
from tests.support.stack import empty_stack


def accepting(construct: Construct) -> None:
    accept(construct, "any reason", "AwsSolutions-S1", "CKV_AWS_18")


def test_an_acceptance_records_its_construct_rules_reason_and_declaring_function() -> None:
    construct = empty_stack()
    with recording() as ledger:
        accepting(construct)

    (found,) = ledger
    assert (found.construct, found.rules, found.reason) == (
        construct,
        ("AwsSolutions-S1", "CKV_AWS_18"),
        "any reason",
    )
    assert found.declared == f"{__name__}.accepting"


def test_nothing_is_recorded_outside_of_recording() -> None:
    with recording() as ledger:
        pass
    accepting(empty_stack())

    assert ledger == []


def test_accepting_an_aws_key_is_declared_as_one_decision() -> None:
    with recording() as ledger:
        accept_aws_key(empty_stack(), "CKV_AWS_136")

    assert [entry.declared for entry in ledger] == ["slipway.accepted.accept_aws_key"]


def test_a_warning_of_the_cdk_is_recorded_inside_of_recording() -> None:
    with recording() as ledger:
        acknowledge(empty_stack(), "any reason", "Annotation::any")

    assert [entry.rules for entry in ledger] == [("Annotation::any",)]


@pytest.mark.parametrize(
    ("packs", "rules"),
    [
        (("HIPAA",), ("HIPAA.Security-Any",)),
        ((), ("NIST.800.53.R5-Any", "HIPAA.Security-Any", "PCI.DSS.321-Any")),
    ],
)
def test_a_rule_has_an_id_in_each_pack_that_shares_it(packs: tuple[str, ...], rules: tuple[str, ...]) -> None:
    assert audits("Any", *packs) == rules
