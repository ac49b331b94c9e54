"""A release by hand is verified by ECS, and by the product's report if it has one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from products import load
from slipway_cli.release import verify as module
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.flow import prove
from slipway_cli.release.services import ServicesRelease
from slipway_cli.release.target import Target
from slipway_cli.release.verify import verify_tasks
from tests.support.fake_aws import FakeAws
from tests.support.fake_web import Request, Web
from tests.support.manifests import REMOVED, product

DIGEST, OLD = "sha256:" + "b" * 64, "sha256:" + "a" * 64
REPOSITORY = "111122223333.dkr.ecr.us-east-1.amazonaws.com/allthrive/backend"
IMAGES = {"backend": f"{REPOSITORY}@{DIGEST}"}


class Cluster:
    """The services of production, each with one task."""

    def __init__(self, aws: FakeAws) -> None:
        self.image, self.rollout, self.running = IMAGES["backend"], "COMPLETED", 1
        self.asked: list[str] = []
        aws.on("ecs.DescribeServices", self._services)
        aws.on("ecs.ListTasks", lambda _: {"taskArns": ["task"]})
        aws.on("ecs.DescribeTasks", lambda _: {"tasks": [{"containers": [{"image": self.image}]}]})

    def _services(self, given: dict[str, Any]) -> dict[str, Any]:
        self.asked += given["services"]
        return {"services": [{"runningCount": self.running, "deployments": [{"rolloutState": self.rollout}]}]}


@pytest.fixture(name="cluster")
def _cluster(aws: FakeAws) -> Cluster:
    return Cluster(aws)


@pytest.fixture(name="web")
def _web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0)

    def answer(request: Request) -> tuple[int, Any]:
        assert request.path == "/api/v1/status/"
        return 200, {"version": "1.3.0", "image_digest": DIGEST}

    with Web(answer).serving() as web:
        yield web


def without_report() -> Target:
    return Target(product({"pipeline.verify": REMOVED}), "production")


def test_every_service_is_compared_with_the_release(cluster: Cluster, target: Target) -> None:
    verify_tasks(target, IMAGES)

    assert cluster.asked == [f"production-allthrive-{name}" for name in load("allthrive").services]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": f"{REPOSITORY}@{OLD}"}, f"service production-allthrive-web runs {REPOSITORY}@{OLD} instead of"),
        ({"rollout": "IN_PROGRESS"}, "service production-allthrive-web is not stable"),
        ({"running": 0}, "service production-allthrive-web is not stable: it runs 0 tasks"),
    ],
)
def test_what_ecs_runs_instead_is_an_error(
    cluster: Cluster, target: Target, change: dict[str, Any], message: str
) -> None:
    vars(cluster).update(change)

    with pytest.raises(ReleaseError, match=message):
        verify_tasks(target, IMAGES)


def test_a_product_without_a_report_is_verified_by_ecs_alone(cluster: Cluster) -> None:
    assert prove(ServicesRelease(without_report(), "1.3.0", IMAGES), None, lambda _: None) == {}
    assert cluster.asked


def test_a_product_with_a_report_is_asked_for_it(cluster: Cluster, target: Target, web: Web) -> None:
    report = prove(ServicesRelease(target, "1.3.0", IMAGES), web.url, lambda _: None)

    assert report == {"version": "1.3.0", "image_digest": DIGEST}
    assert cluster.asked


@pytest.mark.parametrize("answer", [(404, {}), (200, {"version": "1.2.0"}), (200, b"<html>")])
def test_a_report_of_something_else_says_what_to_write(
    cluster: Cluster, target: Target, web: Web, answer: tuple[int, Any]
) -> None:
    web.reply = lambda _: answer

    with pytest.raises(ReleaseError, match=r"remove pipeline\.verify from the manifest") as raised:
        prove(ServicesRelease(target, "1.3.0", IMAGES), web.url, lambda _: None)

    assert cluster.asked
    assert f'{{"version": "1.3.0", "image_digest": "{DIGEST}"}}' in str(raised.value)
