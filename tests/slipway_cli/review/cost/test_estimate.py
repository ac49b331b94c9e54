"""An estimate names what it leaves out; two estimates are compared resource by resource."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest

from products import load
from slipway_cli.review.assembly import Json, Stack, read
from slipway_cli.review.cost import text
from slipway_cli.review.cost.compare import changes
from slipway_cli.review.cost.estimate import Estimate, estimate
from slipway_cli.review.cost.prices import table
from slipway_cli.review.cost.types import FREE, PRICED, free
from tests.support.synthesis import PRODUCTS, shipped


def stack(**resources: Json) -> Stack:
    return Stack("production-it", "production", "111122223333", "us-east-1", {"Resources": resources})


def shipped_estimate(product: str) -> Estimate:
    return estimate(read(shipped(product).folder).stacks)


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_resource_type_has_a_price_or_is_free_for_a_reason(product: str) -> None:
    made = {
        resource["Type"]
        for template in shipped(product).templates.values()
        for resource in template["Resources"].values()
    }

    assert sorted(kind for kind in made if kind not in PRICED and free(kind) is None) == []


@pytest.mark.parametrize("product", PRODUCTS)
def test_everything_in_the_shipped_products_is_priced(product: str) -> None:
    found = shipped_estimate(product)

    assert found.unpriced == ()
    assert found.environments == ("tooling", *load(product).environments)
    assert all(found.total(environment) > 0 for environment in found.environments)


def test_a_cluster_of_eks_costs_its_control_plane_and_the_nodes_that_auto_mode_starts() -> None:
    auto = {"Type": "AWS::EKS::Cluster", "Properties": {"ComputeConfig": {"Enabled": True}}}
    found = estimate([stack(Cluster=auto)])
    amounts = {line.use.price: line.amount for line in found.lines}

    assert amounts["eks-cluster-hour"] == Decimal("73.00")  # $0.10 for 730 hours
    assert amounts["eks-auto-m6g.large-hour"] == Decimal("13.4904")  # 12% of two nodes of $0.077
    assert set(amounts) == {"eks-cluster-hour", "ec2-m6g.large-hour", "eks-auto-m6g.large-hour", "ebs-gp3-gb-month"}
    assert found.groups("production").keys() == {"cluster"}


def test_no_type_is_both_priced_and_free() -> None:
    assert set(PRICED) & set(FREE) == set()


def test_an_unknown_type_is_listed_as_not_priced() -> None:
    found = estimate([stack(Search={"Type": "AWS::OpenSearchService::Domain", "Properties": {}})])

    assert [(missing.path, missing.kind) for missing in found.unpriced] == [
        ("Search", "AWS::OpenSearchService::Domain")
    ]
    assert "Search (AWS::OpenSearchService::Domain)" in "\n".join(text.unpriced(found))


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({"Engine": "mysql", "DBInstanceClass": "db.t4g.micro"}, "only PostgreSQL is priced, this is mysql"),
        (
            {"Engine": "postgres", "DBInstanceClass": "db.x9.huge", "StorageType": "gp3", "AllocatedStorage": "20"},
            "no price 'db.x9.huge-hour' for us-east-1",
        ),
        ({"Engine": "postgres", "DBInstanceClass": "db.t4g.micro", "StorageType": "io2"}, "this is io2"),
    ],
)
def test_a_database_without_a_price_is_listed_as_not_priced(properties: Json, problem: str) -> None:
    found = estimate([stack(Database={"Type": "AWS::RDS::DBInstance", "Properties": properties})])

    assert any(problem in missing.why for missing in found.unpriced)


def test_a_region_without_prices_is_named_with_the_file_to_change() -> None:
    balancer = {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {}}
    found = estimate([Stack("it", "it", "111122223333", "mars-north-1", {"Resources": {"LoadBalancer": balancer}})])

    assert found.total() == 0
    assert "no price 'alb-hour' for mars-north-1 in slipway_cli/review/cost/prices.yaml" in found.unpriced[0].why


def test_prices_come_with_the_page_they_were_read_on_or_are_marked() -> None:
    assert table().regions() == ("eu-central-1", "us-east-1")
    for region, price in table().all():
        assert bool(price.source.page) == price.verified, (price.name, region)
        assert price.source.read.year >= 2026, (price.name, region)
        assert 0 < price.amount < 10, (price.name, region)


def test_a_page_confirms_most_prices_of_us_east_1() -> None:
    unread = sorted(price.name for region, price in table().all() if region == "us-east-1" and not price.verified)

    assert unread == [
        "build-minute-arm-lambda-2gb",
        "build-minute-arm-large",
        "build-minute-arm-medium",
        "build-minute-linux-lambda-2gb",
        "ec2-m6g.large-hour",
    ]


def test_an_unverified_price_is_marked_in_the_line() -> None:
    image = {"Environment": {"Type": "ARM_CONTAINER", "ComputeType": "BUILD_GENERAL1_LARGE"}}
    pipeline = {
        "PipelineType": "V2",
        "Stages": [
            {"Actions": [{"ActionTypeId": {"Category": "Build"}, "Configuration": {"ProjectName": {"Ref": "Build"}}}]}
        ],
    }
    found = estimate(
        [
            stack(
                Build={"Type": "AWS::CodeBuild::Project", "Properties": image},
                Main={"Type": "AWS::CodePipeline::Pipeline", "Properties": pipeline},
            )
        ]
    )

    lines = "\n".join(text.alone(found, details=True, profiles={}))
    assert "0.0136?" in lines
    assert "No public page confirms a price marked with ?" in "\n".join(text.footnotes(found))


def test_the_headline_is_empty_if_no_cost_changes() -> None:
    same = shipped_estimate("edenco")

    assert changes(same, same) == []
    assert text.headline(same, same) == ""


def test_a_larger_task_is_listed_with_both_sizes_and_the_difference() -> None:
    before = read(shipped("allthrive").folder)
    template = copy.deepcopy(dict(before["production-allthrive-services"].template))
    (web,) = [
        resource
        for resource in template["Resources"].values()
        if resource["Properties"].get("Family") == "production-allthrive-web"
    ]
    web["Properties"] |= {"Cpu": "1024", "Memory": "2048"}
    after = [
        Stack(stack.name, stack.environment, stack.account, stack.region, template, stack.paths)
        if stack.name == "production-allthrive-services"
        else stack
        for stack in before.stacks
    ]

    section = text.section(estimate(before.stacks), estimate(after))

    # twice the size of 2 tasks: 2 x 730 x (0.5 x 0.03238 + 1 x 0.00356) = $28.835 more
    assert section.headline == "production +$28.84/month"
    assert "2 tasks of 0.5 vCPU, 1 GB (arm64) → " in section.markdown
    assert "2 tasks of 1 vCPU, 2 GB (arm64): +$28.84" in section.markdown


def test_new_and_removed_resources_are_labelled() -> None:
    key = {"Type": "AWS::KMS::Key", "Properties": {}}
    balancer = {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {}}

    section = text.section(estimate([stack(Old=balancer)]), estimate([stack(New=key)]))

    # 730 h x $0.0225 + 73 LCU-hours x $0.008 = $17.009
    assert "production: removed: load balancer: -$17.01" in section.markdown
    assert "production: new: key New: +$1.00" in section.markdown


def test_money_is_rounded_half_up_and_signed() -> None:
    assert [text.money(Decimal(amount)) for amount in ("0.005", "1234.5", "0")] == ["$0.01", "$1,234.50", "$0.00"]
    assert [text.signed(Decimal(amount)) for amount in ("14.2", "-3.65", "0.001")] == ["+$14.20", "-$3.65", "±$0.00"]
