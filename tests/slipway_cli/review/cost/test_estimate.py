"""What an estimate leaves out is said by name; two estimates are compared resource by resource."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest

from slipway_cli.review.assembly import Json, Stack, read
from slipway_cli.review.cost import text
from slipway_cli.review.cost.compare import changes
from slipway_cli.review.cost.estimate import Estimate, estimate
from slipway_cli.review.cost.prices import table
from slipway_cli.review.cost.types import FREE, PRICED, free
from tests.support.synthesis import PRODUCTS, shipped


def stack(**resources: Json) -> Stack:
    return Stack("production-it", "production", "111122223333", "us-east-1", {"Resources": resources})


def of(product: str) -> Estimate:
    return estimate(read(shipped(product).folder).stacks)


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_type_we_make_has_a_price_or_a_reason_to_have_none(product: str) -> None:
    made = {
        resource["Type"]
        for template in shipped(product).templates.values()
        for resource in template["Resources"].values()
    }

    assert sorted(kind for kind in made if kind not in PRICED and free(kind) is None) == []


@pytest.mark.parametrize("product", PRODUCTS)
def test_everything_in_the_shipped_products_is_priced(product: str) -> None:
    found = of(product)

    assert found.unpriced == ()
    assert found.environments == ("tooling", "staging", "production")
    assert all(found.total(environment) > 0 for environment in found.environments)


def test_no_type_is_both_priced_and_free() -> None:
    assert set(PRICED) & set(FREE) == set()


def test_an_unknown_type_is_named_and_not_counted_as_nothing() -> None:
    found = estimate([stack(Search={"Type": "AWS::OpenSearchService::Domain", "Properties": {}})])

    assert [(missing.path, missing.kind) for missing in found.unpriced] == [
        ("Search", "AWS::OpenSearchService::Domain")
    ]
    assert "Search (AWS::OpenSearchService::Domain)" in "\n".join(text.unpriced(found))


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"Engine": "mysql", "DBInstanceClass": "db.t4g.micro"}, "prices are of PostgreSQL, this is mysql"),
        (
            {"Engine": "postgres", "DBInstanceClass": "db.x9.huge", "StorageType": "gp3", "AllocatedStorage": "20"},
            "no price 'db.x9.huge-hour' for us-east-1",
        ),
        ({"Engine": "postgres", "DBInstanceClass": "db.t4g.micro", "StorageType": "io2"}, "this is io2"),
    ],
)
def test_a_database_we_have_no_price_for_is_named(properties: Json, said: str) -> None:
    found = estimate([stack(Database={"Type": "AWS::RDS::DBInstance", "Properties": properties})])

    assert any(said in missing.why for missing in found.unpriced)


def test_a_region_without_prices_is_named_with_the_file_to_change() -> None:
    balancer = {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {}}
    found = estimate([Stack("it", "it", "111122223333", "mars-north-1", {"Resources": {"LoadBalancer": balancer}})])

    assert found.total() == 0
    assert "no price 'alb-hour' for mars-north-1 in slipway_cli/review/cost/prices.yaml" in found.unpriced[0].why


def test_prices_come_with_the_page_they_were_read_on_or_are_marked() -> None:
    assert table().regions() == ("eu-central-1", "us-east-1")
    for region, price in table().all():
        assert bool(price.source.page) == price.verified, (price.name, region)
        assert price.source.read <= table().checked
        assert 0 < price.amount < 10, (price.name, region)


def test_most_prices_of_us_east_1_stand_on_a_page() -> None:
    unread = sorted(price.name for region, price in table().all() if region == "us-east-1" and not price.verified)

    assert unread == ["build-minute-arm-large", "build-minute-arm-medium"]


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

    lines = "\n".join(text.alone(found, details=True))
    assert "0.0136?" in lines
    assert "stands on no page" in "\n".join(text.footnotes(found))


def test_nothing_changed_says_nothing_in_the_headline() -> None:
    same = of("edenco")

    assert changes(same, same) == []
    assert text.headline(same, same) == ""


def test_a_larger_task_is_told_with_what_it_was_and_what_it_costs_more() -> None:
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


def test_what_is_new_and_what_is_gone_are_called_so() -> None:
    key = {"Type": "AWS::KMS::Key", "Properties": {}}
    balancer = {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {}}

    section = text.section(estimate([stack(Old=balancer)]), estimate([stack(New=key)]))

    # 730 h x $0.0225 + 730 LCU-hours x $0.008 = $22.265, rounded up
    assert "production: gone: load balancer: -$22.27" in section.markdown
    assert "production: new: key New: +$1.00" in section.markdown


def test_money_is_rounded_half_up_and_signed() -> None:
    assert [text.money(Decimal(amount)) for amount in ("0.005", "1234.5", "0")] == ["$0.01", "$1,234.50", "$0.00"]
    assert [text.signed(Decimal(amount)) for amount in ("14.2", "-3.65", "0.001")] == ["+$14.20", "-$3.65", "±$0.00"]
