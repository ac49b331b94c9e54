"""Two commits whose short names are equal, one on a feature branch and one on main: main builds its own image."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from products import load
from products.flows import deliveries
from tests.builds.programs import AWS, DOCKER, Desk
from tests.conformance.reading import Deployed
from tests.support.collision import SHORT, Twins, twins
from tests.support.synthesis import PRODUCTS

pytestmark = pytest.mark.slow  # the file takes most of a minute

BRANCHING = [name for name in PRODUCTS if {"feature", "main"} <= {flow.flow_name for flow in deliveries(load(name))}]
FILES = {
    "backend/Dockerfile": "FROM scratch\nCOPY page /page\n",
    "backend/Dockerfile.prod": "FROM scratch\nCOPY page /page\n",
    "backend/pyproject.toml": '[project]\nversion = "1.2.0"\n',
    "backend/config/__init__.py": '__version__ = "1.2.0"\n',
}


@pytest.fixture(scope="module")
def commits(tmp_path_factory: pytest.TempPathFactory) -> Twins:
    ours, theirs = ({**FILES, "backend/page": page} for page in ("of main", "of a feature branch"))
    return twins(tmp_path_factory.mktemp("twins") / "git", ours, theirs)


@pytest.fixture
def builds(desk: Desk) -> Desk:
    """A registry with immutable tags, and a docker whose images have the hash of their files as digest."""
    desk.install("aws", AWS)
    desk.install("docker", DOCKER)
    desk.only_these_move("latest", "main", "feature-*", "cache-*", "layers-*")
    (desk.folder / "by-content").touch()
    return desk


def published(desk: Desk, product: str, flow: str, commits: Twins) -> dict[str, str]:
    """Runs the image build of a flow with the variables of its project and action; returns what it exports."""
    commit, branch = {"main": (commits.main, "main"), "feature": (commits.feature, "feature/twin")}[flow]
    source = desk.folder / "sources" / flow
    if not source.exists():
        commits.check_out(commit, source)
    settings = Deployed.of(product, flow).variables("Test", "BuildBackend")
    result, printed = desk.run("image", source, **{**settings, "COMMIT": commit, "BRANCH": branch})
    assert result.succeeded, printed
    return result.exported


def repository(exported: dict[str, str]) -> str:
    return exported["IMAGE"].partition("/")[2].partition("@")[0]


def digest(exported: dict[str, str]) -> str:
    return exported["IMAGE"].partition("@")[2]


@pytest.mark.parametrize("product", BRANCHING)
def test_main_builds_its_own_image(builds: Desk, commits: Twins, product: str) -> None:
    feature = published(builds, product, "feature", commits)
    main = published(builds, product, "main", commits)

    assert feature["RELEASE_VERSION"] == main["RELEASE_VERSION"] == f"1.2.0-{commits.main[:SHORT]}"
    assert digest(main) != digest(feature)
    assert digest(published(builds, product, "main", commits)) == digest(main)
    assert digest(published(builds, product, "feature", commits)) == digest(feature)
    assert len(builds.calls("docker", "buildx", "build")) == 2


@pytest.mark.parametrize("product", BRANCHING)
def test_every_tag_of_main_names_what_main_built(builds: Desk, commits: Twins, product: str) -> None:
    published(builds, product, "feature", commits)
    main = published(builds, product, "main", commits)

    assert set(builds.repositories[repository(main)].values()) == {digest(main)}


@pytest.mark.parametrize("product", BRANCHING)
def test_a_feature_build_does_not_use_the_repository_of_main_nor_main_that_of_branches(
    builds: Desk, commits: Twins, product: str
) -> None:
    feature = published(builds, product, "feature", commits)
    count = len(builds.calls())
    main = published(builds, product, "main", commits)
    calls = [json.dumps(call) for call in builds.calls()]

    assert repository(main) != repository(feature)
    assert not [call for call in calls[:count] if f"{repository(main)}:" in call or f'"{repository(main)}"' in call]
    assert not [call for call in calls[count:] if repository(feature) in call]


def test_two_commits_of_main_with_the_same_short_name_get_an_image_each(
    builds: Desk, commits: Twins, tmp_path: Path
) -> None:
    first = published(builds, "edenco", "main", commits)
    settings = Deployed.of("edenco", "main").variables("Test", "BuildBackend")
    source = commits.check_out(commits.feature, tmp_path / "merged")

    result, printed = builds.run("image", source, **{**settings, "COMMIT": commits.feature, "BRANCH": "main"})

    assert result.succeeded, printed
    assert digest(result.exported) != digest(first)
    assert f"label:1.2.0-{commits.main[:SHORT]}" in result.exported["PUBLISHED_TAGS"].split()
    assert first["RELEASE_TAG"] == f"v1.2.0-{commits.main[:SHORT]}"
    assert result.exported["RELEASE_TAG"] == f"v1.2.0-{commits.feature}"
