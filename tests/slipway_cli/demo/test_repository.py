"""The product that the demo puts on the local GitHub."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from localcloud.github.publish import publish
from localcloud.settings import Settings
from paths import ROOT
from products import load
from slipway_cli.demo.repository import branch, platform_folders


def test_the_example_is_published_without_what_is_installed_in_it(tmp_path: Path) -> None:
    made = publish(
        ROOT / "examples" / "allthrive", "allthrive-ai", "allthrive", "main", settings=Settings(state=tmp_path)
    )

    listed = subprocess.run(["git", "ls-files"], cwd=made.clone, capture_output=True, text=True, check=True)
    paths = listed.stdout.splitlines()
    assert "README.md" in paths
    assert not [path for path in paths if "node_modules/" in path or ".venv/" in path]


@pytest.mark.parametrize(
    ("name", "expected"), [("allthrive", "main"), ("ame-timesheets", "main"), ("book-shop", "dev")]
)
def test_the_branch_of_the_demo_is_one_that_a_pipeline_deploys(name: str, expected: str) -> None:
    assert branch(load(name)) == expected


@pytest.mark.parametrize(("name", "folders"), [("showcase", {"infrastructure": ROOT}), ("tiny", {}), ("allthrive", {})])
def test_a_repository_with_its_own_infrastructure_has_this_checkout_in_it(name: str, folders: dict[str, Path]) -> None:
    pipeline = load(name).pipeline
    assert pipeline is not None

    assert platform_folders(pipeline) == folders
