"""The book shop on EKS: a push reaches the pods, a failed rollout is undone, and an access entry is needed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bench.load.traffic import Traffic
from localcloud.settings import Settings
from localcloud.testing.eks import Client
from slipway_cli.release.verify import get
from tests.end_to_end.hosts_products.book_shop_eks import PRODUCT, demonstrated
from tests.end_to_end.hosts_products.shown import Shown

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow, pytest.mark.long]

CLUSTER, NAMESPACE = "production-book-shop-eks", "shop"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
RATE = 20  # requests per second: issue 15, acceptance


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, common: Settings) -> Iterator[Shown]:
    with demonstrated(tmp_path_factory, common) as shown:
        yield shown


def role(shop: Shown, name: str) -> str:
    """Creates a role that the account may assume; returns its ARN."""
    account = f"arn:aws:iam::{PRODUCT.tooling.account}:root"
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    return str(shop.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"])


def client(shop: Shown, arn: str) -> Client:
    """Returns a client of the cluster in the name of a role."""
    keys = shop.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return Client(shop.client("eks"), CLUSTER, keys)


@pytest.fixture(scope="module")
def viewer(shop: Shown) -> Client:
    """An operator whose access entry lets them see the namespace."""
    arn, eks = role(shop, "viewer"), shop.client("eks")
    eks.create_access_entry(clusterName=CLUSTER, principalArn=arn)
    scope = {"type": "namespace", "namespaces": [NAMESPACE]}
    eks.associate_access_policy(clusterName=CLUSTER, principalArn=arn, policyArn=VIEW, accessScope=scope)
    return client(shop, arn)


def pods(viewer: Client) -> dict[str, str]:
    """Returns the digest that each pod runs, by its name, without those that are being deleted."""
    listed = viewer.ask("GET", f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=app%3Ddjango-app").body["items"]
    return {
        pod["metadata"]["name"]: pod["status"]["containerStatuses"][0]["imageID"].rpartition("@")[2]
        for pod in listed
        if not pod["metadata"].get("deletionTimestamp")
    }


@dataclass(frozen=True)
class Released:
    """A release of main, and the visitors meanwhile."""

    actions: dict[str, str]
    visitors: Traffic


@pytest.fixture(scope="module")
def released(shop: Shown) -> Released:
    """A push that raises the version, while visitors use production."""
    commit = shop.commit("pyproject.toml", 'version = "1.2.0"', 'version = "1.3.0"')
    visitors = Traffic(get, [f"{shop.url}/", f"{shop.url}/status/"], RATE)
    visitors.begin()
    try:
        shop.push()
        actions = shop.followed("main", commit)
    finally:
        visitors.end()
    return Released(actions, visitors)


def test_a_push_reaches_the_pods_by_its_digest(shop: Shown, viewer: Client, released: Released) -> None:
    assert set(released.actions.values()) == {"Succeeded"}, released.actions
    assert {"Production/Migrate", "Production/Deploy", "Production/Verify"} <= set(released.actions)
    status = json.loads(get(f"{shop.url}/status/").body)
    found = pods(viewer)

    assert status["version"].startswith("1.3.0")
    assert len(found) == 2
    assert set(found.values()) == {status["image_digest"]}


def test_no_request_fails_while_pods_are_replaced(released: Released) -> None:
    assert released.visitors.failed == [], released.visitors.told()
    assert released.visitors.measured_rate > RATE * 0.9, released.visitors.told()


def test_nobody_gets_in_without_an_access_entry(shop: Shown, viewer: Client) -> None:
    stranger = client(shop, role(shop, "stranger"))

    assert stranger.ask("GET", f"/api/v1/namespaces/{NAMESPACE}/pods").status == 401
    assert viewer.ask("GET", f"/api/v1/namespaces/{NAMESPACE}/pods").status == 200
    assert viewer.ask("GET", "/api/v1/namespaces/kube-system/pods").status == 403
    assert viewer.ask("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets").status == 403


@pytest.mark.last
def test_an_image_that_never_becomes_ready_is_undone_and_the_pods_are_named(
    shop: Shown, viewer: Client, released: Released
) -> None:
    before = pods(viewer)
    broken = shop.commit(
        "k8s/app-prod.yaml", "httpGet: {path: /status/, port: http}", "httpGet: {path: /no/, port: http}"
    )
    shop.push()
    message = shop.refused("main", broken)

    assert "the rollout of django-app did not end" in message
    assert re.search(r"pod django-app-\S+: django-container: runs, and is not ready", message)
    assert "Readiness probe failed" in message
    assert "the end of the log of django-container:" in message
    assert pods(viewer) == before  # the old pods never stopped
    assert json.loads(get(f"{shop.url}/status/").body)["version"].startswith("1.3.0")
