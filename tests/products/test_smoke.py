"""A smoke test is the last action of the stages that the manifest names."""

from __future__ import annotations

from pathlib import Path

import pytest

from products.flows import Kind, deliveries, needs_url
from tests.support.manifests import complaints, edited, product

COMMAND = "python3 smoke.py"


@pytest.mark.parametrize(
    ("environments", "tested"), [([], {"staging", "production"}), (["production"], {"production"})]
)
def test_it_ends_the_stage_of_each_named_environment(environments: list[str], tested: set[str]) -> None:
    given = product({"pipeline.smoke": {"command": COMMAND, "environments": environments}})
    (main,) = [delivery for delivery in deliveries(given) if delivery.flow_name == "main"]
    stages = [stage for stage in main.stages if stage.environment]

    assert {stage.environment for stage in stages if stage.actions[-1].kind is Kind.SMOKE} == tested
    for stage in stages:
        kinds = [action.kind for action in stage.actions if action.kind in (Kind.VERIFY, Kind.SMOKE)]
        assert kinds[0] is Kind.VERIFY
        assert stage.rolls_back


def test_the_environment_then_needs_its_address() -> None:
    assert needs_url(product({"pipeline.verify": {}, "pipeline.smoke": {"command": COMMAND}}), "production")


def test_an_unknown_environment_is_refused_with_the_nearest(tmp_path: Path) -> None:
    smoke = f"  smoke: {{command: {COMMAND}, environments: [prodction]}}\n  verify: {{path: /api/v1/status/}}\n"

    (line,) = complaints(tmp_path, edited(("  verify: {path: /api/v1/status/}\n", smoke)))

    assert line.endswith("pipeline.smoke.environments: no such environment 'prodction'; did you mean 'production'?")
