"""Changes that CloudFormation would reject during the deployment are found before it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from slipway_cli.review.assembly import Assembly, Stack
from slipway_cli.review.compare import compare

GROUP = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "web", "VpcId": "vpc-1"}}
EXPORTED = {"Value": {"Fn::GetAtt": ["Group", "GroupId"]}, "Export": {"Name": "network:Group"}}
IMPORTS = {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"GroupId": {"Fn::ImportValue": "network:Group"}}}


def assembly(network: Any, services: Any) -> Assembly:
    names = (("network", network), ("services", services))
    return Assembly(
        tuple(Stack(name, "production", "1", "eu-west-1", template) for name, template in names if template is not None)
    )


def network(**properties: str) -> Any:
    resources = {"Group": {**GROUP, "Properties": {**GROUP["Properties"], **properties}}}  # type: ignore[dict-item]  # a literal
    return {"Resources": resources, "Outputs": {"Group": EXPORTED}}


def failures(before: Assembly, after: Assembly) -> list[str]:
    found_report = compare(before, after, product="shop", base="main")
    return [finding.words for finding in found_report.findings if finding.rule == "deployment-fails"]


USER = {"Resources": {"In": IMPORTS}}


def test_an_export_is_removed_while_it_is_imported() -> None:
    """A stack stops using a resource of another stack, and CDK removes the export in the same change."""
    gone = {"Resources": {"Group": GROUP}}

    assert failures(assembly(network(), USER), assembly(gone, {"Resources": {}})) == [
        "export `network:Group` is removed while the deployed services imports it"
    ]
    assert failures(assembly(network(), {"Resources": {}}), assembly(gone, {"Resources": {}})) == []


def test_the_resource_of_an_export_is_replaced_while_it_is_imported() -> None:
    assert failures(assembly(network(), USER), assembly(network(GroupDescription="other"), USER)) == [
        "group is replaced, which changes export `network:Group` that services imports: CloudFormation rejects that"
    ]
    assert failures(assembly(network(), None), assembly(network(GroupDescription="other"), None)) == []


@pytest.mark.parametrize(
    ("kind", "before", "after", "expected"),
    [
        ("AWS::SQS::Queue", {"QueueName": "a", "FifoQueue": False}, {"QueueName": "a", "FifoQueue": True}, True),
        ("AWS::SQS::Queue", {"QueueName": "a", "FifoQueue": False}, {"QueueName": "b", "FifoQueue": True}, False),
        ("AWS::SQS::Queue", {"FifoQueue": False}, {"FifoQueue": True}, False),
        ("AWS::IAM::Role", {"RoleName": "a", "Path": "/x/"}, {"RoleName": "a", "Path": "/y/"}, True),
    ],
)
def test_a_replacement_with_the_same_name_fails(kind: str, before: Any, after: Any, expected: bool) -> None:
    sides = (
        assembly({"Resources": {"X": {"Type": kind, "Properties": properties}}}, None) for properties in (before, after)
    )

    found = failures(*sides)

    assert bool(found) == expected
    assert all("its replacement has the same name `a`" in sentence for sentence in found)


def test_a_stack_that_is_removed_from_the_app_stays_deployed() -> None:
    found_report = compare(assembly(network(), USER), assembly(network(), None), product="shop", base="main")

    assert [(finding.rule, finding.words) for finding in found_report.findings] == [
        ("stack-removed", "stack `services` is removed from the app: it stays deployed, with 0 data stores")
    ]


def test_a_store_that_moves_to_another_stack_gets_advice_to_move_its_data() -> None:
    table = {"Resources": {"T": {"Type": "AWS::DynamoDB::Table", "Properties": {"BillingMode": "PAY_PER_REQUEST"}}}}
    found_report = compare(
        assembly(table, {"Resources": {}}), assembly({"Resources": {}}, table), product="shop", base="main"
    )

    assert [(finding.rule, finding.words, finding.advice) for finding in found_report.findings] == [
        (
            "delete-stateful",
            "t: **deleted, data lost**",
            "stack services creates it again, empty; `cdk refactor` moves the existing one with its data",
        )
    ]


def test_a_stack_in_another_region_is_new_and_the_old_one_stays() -> None:
    table = {"Resources": {"T": {"Type": "AWS::DynamoDB::Table"}}}
    here = Stack("data", "production", "1", "eu-west-1", table)

    found_report = compare(
        Assembly((here,)), Assembly((replace(here, region="us-east-1"),)), product="shop", base="main"
    )

    (found,) = found_report.findings
    assert found.rule == "replace-stateful"
    assert found.words == (
        "stack `data` moves from 1/eu-west-1 to 1/us-east-1: a new, empty one is created there, "
        "and the old one stays deployed, with 1 data store"
    )


def test_the_effect_of_a_custom_resource_depends_on_its_function() -> None:
    before, after = ({"Resources": {"C": {"Type": "Custom::X", "Properties": {"Size": size}}}} for size in ("1", "2"))
    found_report = compare(assembly(before, None), assembly(after, None), product="shop", base="main")

    assert [resource.words for resource in found_report.stacks[0].resources] == [
        "c: size `1` → `2` (the function of the custom resource decides)"
    ]
