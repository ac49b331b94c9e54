"""The verification of a release has the settings and the rights that the manifest's choice needs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.manifests import REMOVED
from tests.support.synthesis import Synthesis, shipped, statements, synthesis

FLOW = {"main": {"branches": ["main"], "stages": ["test", "publish", "staging"]}}


@pytest.fixture(scope="module")
def alone() -> Synthesis:
    """A product without a report, browser tests or approvals: ECS alone is asked."""
    changes = {"pipeline.verify": REMOVED, "pipeline.checks.browser": REMOVED, "pipeline.flows": FLOW}
    return synthesis(changes, tooling=True)


def settings(app: Synthesis) -> dict[str, Any]:
    (function,) = [
        function["Properties"]
        for place, function in app.resources("AWS::Lambda::Function", "tooling-allthrive-delivery").items()
        if "StagingVerify" in place
    ]
    return dict(json.loads(function["Environment"]["Variables"]["SETTINGS"]))


def rights(app: Synthesis) -> set[str]:
    return {
        statement["Sid"]
        for resource, statement in statements(app["staging-allthrive-access"])
        if resource.startswith("Verify") and "Sid" in statement
    }


def test_a_product_with_a_report_is_asked_at_its_address() -> None:
    found = settings(shipped("allthrive"))

    assert (found["stack"], found["path"]) == ("staging-allthrive-edge", "/api/v1/status/")
    assert "SeeStack" in rights(shipped("allthrive"))


def test_ecs_alone_needs_neither_address_nor_right_to_read_it(alone: Synthesis) -> None:
    found = settings(alone)

    assert {"stack", "path"}.isdisjoint(found)
    assert len(found["services"]) == 3
    assert rights(alone) == {"SeeServices", "ListTasks", "SeeTasks"}
