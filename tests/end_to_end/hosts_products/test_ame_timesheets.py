"""AME Timesheets goes through the demo, and a push is released to both hosts while visitors use the site."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bench.load.traffic import Traffic
from localcloud.settings import Settings
from localcloud.testing.fixtures import elsewhere
from paths import ROOT
from products import load
from slipway_cli.demo import checks, options
from slipway_cli.release.verify import get
from tests.end_to_end.hosts_products.shown import Shown

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

PRODUCT = load("ame-timesheets")
EXAMPLE = ROOT / "examples" / "ame-timesheets"
RATE = 20  # requests per second: issue 14, acceptance


@pytest.fixture(scope="module")
def timesheets(tmp_path_factory: pytest.TempPathFactory, common: Settings) -> Iterator[Shown]:
    with elsewhere(tmp_path_factory, replace(common, account=PRODUCT.tooling.account)) as cloud:
        yield Shown.by_the_demo(cloud, PRODUCT)


@dataclass(frozen=True)
class Pushed:
    """A push that was released while visitors used the site."""

    commit: str
    actions: dict[str, str]
    traffic: Traffic


@pytest.fixture(scope="module")
def pushed(timesheets: Shown) -> Pushed:
    url = timesheets.url
    commit = timesheets.commit("backend/config/__init__.py", '"2.3.0"', '"2.4.0"')
    traffic = Traffic(get, [f"{url}/", f"{url}/api/status/", f"{url}/api/entries/"], RATE)
    timesheets.push()
    traffic.begin()
    try:
        actions = timesheets.followed("main", commit)
    finally:
        traffic.end()
    return Pushed(commit, actions, traffic)


def status(shown: Shown) -> dict[str, Any]:
    return dict(json.loads(get(f"{shown.url}/api/status/").body))


def test_the_demo_serves_the_page_and_the_api_from_two_hosts(timesheets: Shown) -> None:
    assert re.search(r"check production: page: served by the frontend.*entry: two days", timesheets.output)
    assert "visit production: 2 hosts" in timesheets.output or "/ 200" in timesheets.output


def test_the_image_of_the_demo_is_signed_with_the_build_secret(timesheets: Shown) -> None:
    assert re.search(r"release: 2\.3\.0\S*, signed: yes", timesheets.output)


def test_a_push_to_main_reaches_its_last_stage(timesheets: Shown, pushed: Pushed) -> None:
    assert set(pushed.actions.values()) == {"Succeeded"}, pushed.actions
    assert "Release/GitHub" in pushed.actions
    found = status(timesheets)
    assert found["version"] == f"2.4.0-{pushed.commit[:7]}"
    assert found["build"] == {"version": "2.4.0", "commit": pushed.commit, "signature": found["build"]["signature"]}


def test_no_request_fails_while_the_hosts_are_released_one_after_the_other(pushed: Pushed) -> None:
    assert pushed.traffic.failed == [], pushed.traffic.told()
    assert pushed.traffic.measured_rate > RATE * 0.9, pushed.traffic.told()


def test_the_site_still_works(timesheets: Shown, pushed: Pushed) -> None:
    found = checks.own(options.read(EXAMPLE).check, EXAMPLE, "production", timesheets.url)

    assert "entry: two days are summed up to one week" in found


def test_a_pull_request_publishes_candidates_with_another_signature(timesheets: Shown, pushed: Pushed) -> None:
    commit = timesheets.commit("frontend/src/styles.css", "2rem auto", "3rem auto")
    timesheets.push("try-it")
    timesheets.open_pull_request("try-it")

    actions = timesheets.followed("pull-request", commit)

    assert actions == {"Source/GitHub": "Succeeded", "Publish/Backend": "Succeeded", "Publish/Frontend": "Succeeded"}
    for image in ("backend", "frontend"):
        listed = timesheets.client("ecr").describe_images(repositoryName=f"ame-timesheets/candidates/{image}")
        assert f"commit-{commit}" in {tag for found in listed["imageDetails"] for tag in found["imageTags"]}
