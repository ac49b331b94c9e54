"""The book shop goes through the demo; a push to dev reaches its host, and a merge to main releases that image."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

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

PRODUCT = load("book-shop")
EXAMPLE = ROOT / "examples" / "book-shop"
RATE = 20  # requests per second: issue 15, acceptance


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, common: Settings) -> Iterator[Shown]:
    with elsewhere(tmp_path_factory, replace(common, account=PRODUCT.tooling.account)) as cloud:
        yield Shown.by_the_demo(cloud, PRODUCT)


@pytest.fixture(scope="module")
def pushed(shop: Shown) -> dict[str, str]:
    """The actions of a push that raises the version."""
    shop.push("main")  # the branch that pull requests go to; nothing of it was tested
    commit = shop.commit("pyproject.toml", 'version = "1.2.0"', 'version = "1.3.0"')
    shop.push()
    return shop.followed("dev", commit)


def test_the_demo_sells_a_book_through_cloudfront(shop: Shown) -> None:
    assert re.search(r"check dev: books: version 1\.2\.0.*order: one copy, with a receipt.*forged: ", shop.output)
    assert "seed dev: 1 commands" in shop.output
    assert "push origin dev" in shop.output


def test_a_push_to_dev_reaches_the_host_with_the_documented_tag(shop: Shown, pushed: dict[str, str]) -> None:
    assert set(pushed.values()) == {"Succeeded"}, pushed
    assert {"Test/App", "Publish/App", "Dev/Deploy", "Dev/Verify"} <= set(pushed)
    commit = shop.run("git", "rev-parse", "HEAD", folder=shop.clone).strip()
    status = json.loads(get(f"{shop.url}/status/").body)
    images = shop.client("ecr").describe_images(repositoryName="book-shop/app")["imageDetails"]
    given = next(image["imageTags"] for image in images if image["imageDigest"] == status["image_digest"])
    assert f"1.3.0-SNAPSHOT-{commit[:7]}" in given
    assert status["version"] == f"1.3.0-{commit[:7]}"


def test_the_shop_still_sells_books(shop: Shown, pushed: dict[str, str]) -> None:
    found = checks.own(options.read(EXAMPLE).check, EXAMPLE, "dev", shop.url)

    assert re.search(r"order: one copy, with a receipt", found)


def test_a_commit_that_dev_never_tested_is_not_released(shop: Shown, pushed: dict[str, str]) -> None:
    first = shop.run("git", "rev-parse", "HEAD~1", folder=shop.clone).strip()

    assert f"slipway start dev --commit {first}; then retry this stage" in shop.refused("main", first)


def merge_dev(shop: Shown) -> str:
    """Merges dev into main by a pull request; returns the commit of the merge."""
    number = shop.open_pull_request("dev")
    return str(shop.github("PUT", f"/pulls/{number}/merge", {"merge_method": "merge"})["sha"])


@dataclass(frozen=True)
class Released:
    """A release of main, and the visitors of production meanwhile."""

    commit: str
    actions: dict[str, str]
    visitors: Traffic


@pytest.fixture(scope="module")
def released(shop: Shown, pushed: dict[str, str]) -> Released:
    """Main's run after dev was merged, while visitors use production."""
    address = shop.address("production")
    visitors = Traffic(get, [f"{address}/", f"{address}/status/"], RATE)
    merged = merge_dev(shop)
    visitors.begin()
    try:
        actions = shop.followed("main", merged)
    finally:
        visitors.end()
    return Released(merged, actions, visitors)


def tags(shop: Shown) -> dict[str, str]:
    """Returns the digest of each tag of the shop's images."""
    listed = shop.client("ecr").describe_images(repositoryName="book-shop/app")["imageDetails"]
    return {tag: image["imageDigest"] for image in listed for tag in image.get("imageTags", [])}


def pods(shop: Shown) -> dict[str, str]:
    """Returns the digest that each pod of production runs, by its name, without those that are being deleted."""
    columns = "{.metadata.name}|{.metadata.deletionTimestamp}|{.status.containerStatuses[0].imageID}"
    path = f'{{range .items[*]}}{columns}{{"\\n"}}{{end}}'
    printed = shop.on_host("production", f"microk8s kubectl get pods -l app=django-app -o jsonpath='{path}'")
    rows = (line.split("|") for line in printed.splitlines() if line)
    return {name: image.rpartition("@")[2] for name, deleted, image in rows if not deleted}


def test_a_merge_to_main_releases_the_image_that_dev_tested(shop: Shown, released: Released) -> None:
    assert set(released.actions.values()) == {"Succeeded"}, released.actions
    assert {"Snapshot/Find", "Snapshot/Manifests", "Release/GitHub", "Release/Promote", "Release/Public"} <= set(
        released.actions
    )
    running = json.loads(get(f"{shop.url}/status/").body)["image_digest"]
    assert tags(shop)["v1.3.0"] == running
    wanted = [{"imageTag": "v1.3.0"}]
    (public,) = shop.client("ecr-public").describe_images(repositoryName="book-shop/app", imageIds=wanted)[
        "imageDetails"
    ]
    assert public["imageDigest"] == running
    release = shop.github("GET", "/releases/tags/1.3.0")
    assert "Try it by @" in release["body"]
    assert running in release["body"]
    assert shop.github("GET", "/git/ref/tags/1.3.0")["object"]["sha"] == released.commit


def test_pods_run_the_digest_of_the_snapshot(shop: Shown, released: Released) -> None:
    assert {"Production/Migrate", "Production/Deploy", "Production/Verify"} <= set(released.actions)
    found = pods(shop)
    assert len(found) == 2
    assert set(found.values()) == {tags(shop)["v1.3.0"]}
    status = json.loads(get(f"{shop.address('production')}/status/").body)
    assert (status["version"], status["image_digest"]) == ("1.3.0", tags(shop)["v1.3.0"])


def test_no_request_fails_while_pods_are_replaced(released: Released) -> None:
    assert released.visitors.failed == [], released.visitors.told()
    assert released.visitors.measured_rate > RATE * 0.9, released.visitors.told()


@pytest.mark.last  # dev then runs another image than main released
def test_a_version_is_released_once(shop: Shown, released: Released) -> None:
    """Main's run waits for that of dev, which was pushed a moment before."""
    shop.commit("README.md", "A Django shop", "A Django book shop")
    shop.push()

    message = shop.refused("main", merge_dev(shop))

    # 1.4.0 if the test of an image that never becomes ready came first: its release is older than its rollout.
    found = re.search(r"(1\.[34]\.0) is released already: tag \1 is on commit", message)
    assert found, message
    assert f"Raise the version in pyproject.toml on dev, e.g. to {found[1][:-1]}1" in message


@pytest.mark.last
@pytest.mark.long  # five minutes, in which the pods could become ready
def test_an_image_that_never_becomes_ready_is_undone_and_the_pods_are_named(shop: Shown, released: Released) -> None:
    before = pods(shop)
    shop.commit("pyproject.toml", 'version = "1.3.0"', 'version = "1.4.0"')
    # Only production has two replicas and a readiness probe; dev asks /status/, which is still right.
    broken = shop.commit(
        "k8s/app-prod.yaml", "httpGet: {path: /status/, port: http}", "httpGet: {path: /no/, port: http}"
    )
    shop.push()
    shop.followed("dev", broken)
    message = shop.refused("main", merge_dev(shop))

    assert "the rollout of django-app did not end" in message
    assert re.search(r"pod django-app-\S+: django-container: runs, and is not ready", message)
    assert "Readiness probe failed" in message
    assert "the end of the log of django-container:" in message
    assert pods(shop) == before  # the old pods never stopped
    assert json.loads(get(f"{shop.address('production')}/status/").body)["version"] == "1.3.0"
