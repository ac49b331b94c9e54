"""Changes that CloudFormation refuses half-way, told before anybody deploys."""

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
    told = compare(before, after, product="shop", base="main")
    return [finding.words for finding in told.findings if finding.rule == "deployment-fails"]


USER = {"Resources": {"In": IMPORTS}}


def test_an_export_that_goes_while_it_is_imported() -> None:
    """The classic: a stack stops using what another one makes, and CDK takes the export away in the same change."""
    gone = {"Resources": {"Group": GROUP}}

    assert failures(assembly(network(), USER), assembly(gone, {"Resources": {}})) == [
        "export `network:Group` goes away while services, as deployed, imports it"
    ]
    assert failures(assembly(network(), {"Resources": {}}), assembly(gone, {"Resources": {}})) == []


def test_an_export_whose_resource_is_replaced_while_it_is_imported() -> None:
    assert failures(assembly(network(), USER), assembly(network(GroupDescription="other"), USER)) == [
        "group is replaced, which changes export `network:Group` that services imports: CloudFormation refuses that"
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
def test_a_replacement_that_keeps_its_name(kind: str, before: Any, after: Any, expected: bool) -> None:
    sides = (
        assembly({"Resources": {"X": {"Type": kind, "Properties": properties}}}, None) for properties in (before, after)
    )

    found = failures(*sides)

    assert bool(found) == expected
    assert all("its replacement would be called `a` too" in sentence for sentence in found)


def test_a_stack_that_leaves_the_app_stays_deployed() -> None:
    told = compare(assembly(network(), USER), assembly(network(), None), product="shop", base="main")

    assert [(finding.rule, finding.words) for finding in told.findings] == [
        ("stack-removed", "stack `services` leaves the app: it stays deployed, with 0 stores of data")
    ]


def test_a_store_that_moves_to_another_stack_is_told_as_moved() -> None:
    table = {"Resources": {"T": {"Type": "AWS::DynamoDB::Table", "Properties": {"BillingMode": "PAY_PER_REQUEST"}}}}
    told = compare(assembly(table, {"Resources": {}}), assembly({"Resources": {}}, table), product="shop", base="main")

    assert [(finding.rule, finding.words, finding.advice) for finding in told.findings] == [
        (
            "delete-stateful",
            "t: **deleted, data lost**",
            "stack services has it newly, and empty: `cdk refactor` moves it with its data",
        )
    ]


def test_a_stack_of_another_region_is_a_new_one_and_the_old_one_stays() -> None:
    table = {"Resources": {"T": {"Type": "AWS::DynamoDB::Table"}}}
    here = Stack("data", "production", "1", "eu-west-1", table)

    told = compare(Assembly((here,)), Assembly((replace(here, region="us-east-1"),)), product="shop", base="main")

    (found,) = told.findings
    assert found.rule == "replace-stateful"
    assert found.words == (
        "stack `data` moves from 1/eu-west-1 to 1/us-east-1: a new, empty one is made there, "
        "and the old one stays deployed, with 1 store of data"
    )


def test_what_a_custom_resource_does_is_its_functions_affair() -> None:
    before, after = ({"Resources": {"C": {"Type": "Custom::X", "Properties": {"Size": size}}}} for size in ("1", "2"))
    told = compare(assembly(before, None), assembly(after, None), product="shop", base="main")

    assert [resource.words for resource in told.stacks[0].resources] == [
        "c: size `1` → `2` (the function behind it decides)"
    ]
