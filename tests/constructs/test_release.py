"""The release that a stack runs, as parameters of its template."""

from __future__ import annotations

import re

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from slipway.release import ReleaseParameters
from tests.support.stack import empty_stack
from tests.support.synthesis import Json


@pytest.fixture(scope="module")
def template() -> Json:
    stack = empty_stack()
    release = ReleaseParameters(stack, version_parameter="ReleaseVersion")
    image = release.image("BackendImage")
    cdk.CfnOutput(stack, "Tasks", value=cdk.Token.as_string(image.count(3)))
    release.count("WebDesiredCount", 2)
    return dict(Template.from_stack(stack).to_json())


@pytest.mark.parametrize("parameter", ["ReleaseVersion", "BackendImage"])
def test_before_the_first_release_every_parameter_is_unreleased(template: Json, parameter: str) -> None:
    assert template["Parameters"][parameter]["Default"] == "unreleased"


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        (f"registry/shop@sha256:{'a' * 64}", True),
        ("unreleased", True),
        ("registry/shop:latest", False),
        (f"registry/shop@sha256:{'a' * 63}", False),
    ],
)
def test_an_image_must_have_a_digest(template: Json, value: str, taken: bool) -> None:
    assert bool(re.search(template["Parameters"]["BackendImage"]["AllowedPattern"], value)) is taken


def test_a_service_has_no_tasks_before_the_first_release(template: Json) -> None:
    assert template["Conditions"]["HasBackendImage"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "BackendImage"}, "unreleased"]}]
    }
    assert template["Outputs"]["Tasks"]["Value"] == {"Fn::If": ["HasBackendImage", 3, 0]}


def test_a_scaled_service_starts_with_at_least_its_own_count(template: Json) -> None:
    found = template["Parameters"]["WebDesiredCount"]

    assert (found["Type"], found["Default"], found["MinValue"]) == ("Number", 2, 2)
