"""The flow `infrastructure`: environments in order, each after its approval, the tooling last."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from products import ManifestError, infrastructure_flow, load
from products.flows import Delivery, Kind
from tests.support.manifests import manifest, product

PLATFORM = {"repository": {"owner": "allthrive-ai", "name": "platform"}}


def flow(**section: Any) -> Delivery:
    return infrastructure_flow.every(product({"pipeline.infrastructure": {**PLATFORM, **section}}))[-1]


def test_every_deployment_follows_its_own_approval_and_the_tooling_is_last() -> None:
    names = [stage.name for stage in flow().stages]

    assert names[:3] == ["Source", "Check", "Review"]
    assert names[3:7] == ["ApproveStaging", "Staging", "ApproveProduction", "Production"]
    assert names[7:] == ["ApproveTooling", "Tooling"]


def test_the_templates_are_written_once() -> None:
    kinds = [action.kind for stage in flow().stages for action in stage.actions]

    assert kinds.count(Kind.SYNTH) == 1


def test_only_one_named_branch_starts_it() -> None:
    assert flow().flow.branches == ("main",)
    assert flow(branch="stable").flow.branches == ("stable",)


def test_without_the_section_a_person_deploys() -> None:
    assert [delivery.flow_name for delivery in infrastructure_flow.every(product())] == [
        "pull-request",
        "feature",
        "main",
    ]


def test_the_platform_repository_is_the_product_s_own_by_default() -> None:
    found = product({"pipeline.infrastructure": {}})
    section = infrastructure_flow.settings(found)

    assert section is not None
    assert infrastructure_flow.repository(found, section).name == "allthrive"


def test_what_a_commit_must_pass_first_is_everything_before_the_first_environment() -> None:
    found = product({"pipeline.infrastructure": {"after": "main"}})
    section = infrastructure_flow.settings(found)
    assert section is not None

    pipeline, actions = infrastructure_flow.awaited(found, section)

    assert pipeline == "allthrive-main"
    assert {action.partition("/")[0] for action in actions} == {"Test", "Publish"}
    assert "Publish/Backend" in actions


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pipeline.flows.infrastructure": {"branches": ["x"], "stages": ["test"]}}, "give your flow another"),
        ({"pipeline.notifications": {}}, "nobody would be notified"),
        ({"pipeline.infrastructure": {"repository": {"owner": "allthrive-ai", "name": "allthrive"}}}, "remove it"),
        ({"pipeline.infrastructure.branch": "release/*"}, "pipeline.infrastructure.branch"),
        ({"pipeline.infrastructure.directory": "../elsewhere"}, "pipeline.infrastructure.directory"),
        ({"pipeline.infrastructure.after": "main"}, "commits of another repository have no run of the flow main"),
        ({"pipeline.infrastructure": {"after": "mian"}}, "no flow 'mian'; did you mean 'main'"),
        ({"pipeline.infrastructure": {"after": "feature"}}, "must be started by pushes to main alone"),
        ({"pipeline.infrastructure.approval": "never"}, "pipeline.infrastructure.approval"),
    ],
)
def test_a_mistake_names_its_key_and_what_to_write(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    data = manifest({"pipeline.infrastructure": dict(PLATFORM), **changes})
    (tmp_path / "allthrive.yaml").write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")

    with pytest.raises(ManifestError, match=re.escape(said)):
        load("allthrive", tmp_path)
