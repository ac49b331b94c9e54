"""A release to hosts without its inputs, or with those of another build, sends nothing; no secret is logged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.fake_hosts import BUNDLE, EDGE, STACK
from tests.support.fake_pipeline import CANARY
from tests.support.host_releases import NEW, deployment, released, run


def test_a_bundle_that_is_not_the_builds_is_refused() -> None:
    action = deployment()
    action.artifact(b"another bundle")

    run(action)

    assert (action.status, action.commands) == ("Failed", {})
    assert "it was changed in between" in action.message
    assert f"releases/{NEW}.json" not in action.objects


@pytest.mark.parametrize(("stack", "step", "output"), [(STACK, "apply", "ReleasesBucket"), (EDGE, "verify", "Url")])
def test_a_stack_that_is_not_deployed_yet_is_named(stack: str, step: str, output: str) -> None:
    action = released(deployment(step=step, edge=EDGE))
    action.outputs[stack] = {}

    run(action)

    assert f"{stack} has no output {output}: deploy the infrastructure first" in action.message


@pytest.mark.parametrize("damage", ["no zip", "no file", "no artifact"])
def test_an_artifact_without_a_bundle_is_refused(damage: str) -> None:
    action = deployment()
    if damage == "no zip":
        action.objects["artifact.zip"] = b"PK"
    elif damage == "no file":
        action.artifact(BUNDLE, "other")
    else:
        action.artifacts = []

    run(action)

    assert (action.status, action.commands) == ("Failed", {})
    assert "artifact" in action.message


def test_the_bundle_of_a_cluster_is_in_the_artifact_of_its_manifests() -> None:
    action = deployment(1, artifact="Manifests")
    action.artifacts[0]["name"] = "Manifests"

    assert run(action).status == "Succeeded", action.message


def test_an_artifact_of_another_name_is_missed_by_its_name() -> None:
    action = run(deployment(1, artifact="Manifests"))

    assert action.status == "Failed"
    assert "Manifests" in action.message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step": "aply"}, "parameter 'step' is 'aply'; write one of migrate, apply, verify"),
        ({"tags": {}}, "parameter 'tags' is empty"),
        ({"images": {}}, "parameter 'images' is empty"),
        ({"images": {"backend": "edenco/backend:latest"}}, "must name an image"),
        ({"bundle": "#{Compose.BUNDLE}"}, "contains a variable that no action has set"),
        ({"bundle": "abc"}, "parameter 'bundle' must be a SHA-256, got 'abc'"),
        ({"commit": "main"}, "parameter 'commit' must have 40 hexadecimal digits"),
        ({"expected": 0}, "parameter 'expected' must be between 1 and 20"),
        ({"path": "/status/"}, "parameter 'path' needs 'edge', whose output Url is the product's address"),
        ({"hosts": 2}, "unknown parameter 'hosts'"),
    ],
)
def test_a_wrong_parameter_is_named(changes: dict[str, Any], message: str) -> None:
    action = deployment(**{key: value for key, value in changes.items() if key != "expected"})
    action.parameters = json.dumps({**json.loads(action.parameters), **changes})

    run(action)

    assert (action.status, action.kind, action.commands) == ("Failed", "ConfigurationError", {})
    assert message in action.message


def test_the_event_is_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    run(deployment())

    assert CANARY not in caplog.text
