"""An action's compute follows from its kind or the manifest; Lambda compute only where CodeBuild has it."""

from __future__ import annotations

from typing import Any

import pytest

from products.compute import Compute, compute
from products.flows import deliveries
from tests.support.manifests import product


def computes(changes: dict[str, Any] | None = None) -> dict[str, Compute]:
    """Returns what each action of AllThrive's main flow runs on."""
    allthrive = product(changes or {})
    (main,) = [delivery for delivery in deliveries(allthrive) if delivery.flow_name == "main"]
    return {
        f"{stage.name}/{action.name}": compute(allthrive, action) for stage in main.stages for action in stage.actions
    }


def test_builds_that_need_no_containers_run_on_lambda_compute() -> None:
    found = computes()

    assert {name for name, where in found.items() if where == "lambda"} == {
        "Test/Seo",
        "Publish/ScanBackend",
        "Staging/Frontend",
        "Production/Frontend",
    }


def test_images_and_browsers_get_the_larger_machines() -> None:
    assert {name for name, where in computes().items() if where == "medium"} == {
        "Test/BuildBackend",
        "E2E/Playwright",
    }


@pytest.mark.parametrize("size", ["medium", "large"])
def test_the_manifest_chooses_the_machine_of_a_check(size: str) -> None:
    assert computes({"pipeline.checks.browser.compute": size})["Test/Browser"] == size


def test_a_region_without_lambda_compute_gets_small_machines() -> None:
    assert "lambda" not in computes({"region": "eu-west-3", "tooling.region": "eu-west-3"}).values()
