"""`slipway cost` prints a manifest's cost, what would save, and the cost of each profile."""

from __future__ import annotations

from decimal import Decimal

import pytest

from products import load
from products.profiles import PROFILES
from slipway_cli.main import main
from slipway_cli.review.assembly import read
from slipway_cli.review.cost.command import page
from slipway_cli.review.cost.estimate import estimate
from slipway_cli.review.cost.profiles import variants
from tests.support.manifests import product
from tests.support.synthesis import Synthesis


@pytest.fixture(scope="module")
def months() -> dict[tuple[str, str], Decimal]:
    """Returns US dollars per month of AllThrive's production, by profile and kind of NAT."""
    found = [
        variant
        for variant in variants(product(), "production")
        if variant.profile == "minimal" or variant.nat == "gateway"
    ]
    environments = {f"v{i}": variant.environment for i, variant in enumerate(found)}
    varied = product({"pipeline": None}).model_copy(update={"environments": environments})
    priced = estimate(read(Synthesis(varied, tooling=False).folder).stacks)
    assert priced.unpriced == ()
    return {(variant.profile, variant.nat): priced.total(f"v{i}") for i, variant in enumerate(found)}


def test_each_profile_costs_more_than_the_one_before(months: dict[tuple[str, str], Decimal]) -> None:
    costs = [months[profile, "gateway"] for profile in PROFILES]

    assert costs == sorted(costs)


def test_a_nat_instance_is_the_cheapest_and_endpoints_are_the_most_expensive(
    months: dict[tuple[str, str], Decimal],
) -> None:
    instance, gateway, none = (months["minimal", nat] for nat in ("instance", "gateway", "none"))

    assert instance < gateway < none


def test_a_gateway_instead_of_an_instance_costs_the_difference_of_both(months: dict[tuple[str, str], Decimal]) -> None:
    # gateway 730 x $0.045 + 30 GB x $0.045 + address 730 x $0.005 = $37.85
    # instance 730 x $0.0042 + disk 8 x $0.08 + address 730 x $0.005 = $7.356
    assert months["minimal", "gateway"] - months["minimal", "instance"] == Decimal("37.85") - Decimal("7.356")


def test_a_variant_that_the_manifest_forbids_is_priced_with_the_reason() -> None:
    refused = {variant.nat: variant.problem for variant in variants(product(), "production") if variant.problem}

    assert list(refused) == ["none"]
    assert "these need the internet: web, celery" in refused["none"]


def test_profiles_fit_a_manifest_with_few_zones_and_little_scaling() -> None:
    small = product(
        {
            "environments.production.network.zones": 2,
            "environments.production.network.zone_letters": "bc",
            "services.web.scaling": {"maximum": 2, "cpu_percent": 60},
        }
    )

    found = {
        variant.profile: variant.environment for variant in variants(small, "production") if variant.nat == "gateway"
    }

    assert found["ha"].network.zones == found["ha"].network.nat_count == 2
    assert small.services["web"].count == 2
    assert "web" not in found["ha"].services


def test_an_unknown_environment_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "prod", "--product", "allthrive"]) == 2
    assert "no environment 'prod' in allthrive; did you mean 'production'?" in capsys.readouterr().err


def test_an_unknown_product_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--product", "nothing"]) == 2
    assert "no such file" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_prints_costs_with_assumptions_and_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--product", "edenco", "--details"]) == 0

    page = capsys.readouterr().out
    assert page.startswith("# Edenco: $")
    for part in (
        "## Savings, a month",
        "## production with each profile",
        "| minimal",
        "| standard",
        "| ha",
        "## Assumed",
        "as read on 2026-",
    ):
        assert part in page


@pytest.mark.slow
def test_a_product_on_eks_for_which_nothing_saves_has_its_cluster_in_the_table() -> None:
    found = page(load("book-shop-eks"), None, details=False)

    assert "cluster $211.71" in found  # $73 for the control plane, two nodes with their disks and Auto Mode's fee
    assert "## Savings, a month\n\nNone." in found
