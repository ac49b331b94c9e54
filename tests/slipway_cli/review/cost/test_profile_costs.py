"""The costs of each profile for a web service, a worker, a scheduler, a database and a cache."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from paths import ROOT
from products.profiles import PROFILES
from slipway_cli.review.assembly import read
from slipway_cli.review.cost import savings
from slipway_cli.review.cost.estimate import Estimate, estimate
from tests.support.manifests import product
from tests.support.short import each_profile
from tests.support.synthesis import Synthesis


@pytest.fixture(scope="module")
def month() -> Estimate:
    return estimate(read(Synthesis(each_profile(), tooling=False).folder).stacks)


@pytest.mark.parametrize(("profile", "bound"), [("minimal", 75), ("standard", 165)])
def test_a_profile_stays_below_its_bound(month: Estimate, profile: str, bound: int) -> None:
    assert month.total(profile) <= bound


def test_each_profile_costs_more_than_the_one_before(month: Estimate) -> None:
    totals = [month.total(profile) for profile in PROFILES]

    assert totals == sorted(totals)


def test_everything_of_a_profile_has_a_price(month: Estimate) -> None:
    assert month.unpriced == ()


def test_the_page_about_profiles_shows_these_totals(month: Estimate) -> None:
    (row,) = re.findall(r"\| \*\*total\*\* \|(.*)", (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8"))
    shown = dict(zip(PROFILES, (int(dollars) for dollars in re.findall(r"\$(\d+)", row)), strict=True))

    # A small part more or less, such as an alarm, does not need another edition of the page.
    assert {profile: total for profile, total in shown.items() if abs(month.total(profile) - total) > 2} == {}


def test_a_task_on_spot_costs_two_fifths_of_one_on_demand(month: Estimate) -> None:
    tasks = {profile: month.groups(profile)["containers"] for profile in ("minimal", "standard")}

    assert abs(tasks["minimal"] / tasks["standard"] - Decimal("0.4")) < Decimal("0.001")


@pytest.mark.slow  # a synthesis with an environment for each saving
def test_every_saving_of_allthrives_production_makes_it_cheaper() -> None:
    made = product({"pipeline": None})
    found = list(savings.of(made, "production"))
    environments = {"now": made.environments["production"], **{f"s{i}": after for i, (_, after) in enumerate(found)}}

    saved = made.model_copy(update={"environments": environments})
    months = estimate(read(Synthesis(saved, tooling=False).folder).stacks)

    assert len(found) == len(savings.SAVINGS)
    assert [saving.write for i, (saving, _) in enumerate(found) if months.total(f"s{i}") >= months.total("now")] == []


def test_an_environment_of_the_minimal_profile_has_nothing_left_to_save() -> None:
    assert [saving.write for saving, _ in savings.of(each_profile(), "minimal")] == []


def test_each_saving_says_its_consequence() -> None:
    assert [saving.write for saving in savings.SAVINGS if len(saving.consequence) < 20] == []
