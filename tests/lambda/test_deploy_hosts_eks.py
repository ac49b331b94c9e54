"""A release reaches a cluster of EKS through its function; a failure names the pod, and what runs now."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from deploy_hosts import handler
from tests.support.fake_cluster import FUNCTION, FakeCluster
from tests.support.fake_hosts import BUNDLE, STACK
from tests.support.fake_pipeline import played

IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/app@sha256:" + "b" * 64
RELEASE: dict[str, Any] = {
    "version": "1.1.0",
    "commit": "c" * 40,
    "images": {"app": IMAGE},
    "bundle": hashlib.sha256(BUNDLE).hexdigest(),
}
NEW = hashlib.sha256(json.dumps(RELEASE, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
PARAMETERS: dict[str, Any] = {
    **RELEASE,
    "step": "apply",
    "region": "us-east-1",
    "stack": STACK,
    "cluster": "production-shop",
    "artifact": "Manifests",
    "log_group": "/hosts/production-shop/commands",
}


def deployment(**changes: Any) -> FakeCluster:
    return FakeCluster(handler.main, {**PARAMETERS, **changes})


def run(action: FakeCluster) -> FakeCluster:
    with played(action):
        action.run()
    return action


def test_a_release_reaches_the_cluster_and_the_load_balancer_finds_its_pods_healthy() -> None:
    action = run(deployment())

    assert (action.status, action.asked(), action.host.release) == ("Succeeded", ["apply"], NEW), action.message
    assert action.summary == "the cluster runs 1.1.0"
    assert action.health == ["healthy"]
    assert {"SendCommand", "DescribeInstances"}.isdisjoint({name.partition(".")[2] for name in action.names()})


def test_a_rollout_that_the_function_has_undone_fails_with_the_pod_and_its_log() -> None:
    action = deployment()
    action.host.fails = "restored"

    run(action)

    assert (action.status, action.asked()) == ("Failed", ["apply"])
    assert "pod web-1: web: runs, and is not ready\n  | no such table" in action.message
    assert "the release before again (1.0.0)" in action.message
    assert action.objects["current.json"] == action.old


def test_a_rollout_that_the_function_could_not_undo_is_undone_by_another_call() -> None:
    action = deployment()
    action.host.fails = "broken"

    run(action)

    assert (action.status, action.asked()) == ("Failed", ["apply", "restore"])
    assert action.host.release == hashlib.sha256(action.old).hexdigest()


def test_a_function_that_ends_without_a_result_is_named_with_its_log() -> None:
    action = deployment(deadline_minutes=60)
    action.silent = True

    run(action)

    assert action.status == "Failed"
    assert f"the function {FUNCTION} ended without a result: read /hosts/production-shop/commands" in action.message


@pytest.mark.parametrize("fault", ["broken", "lost", "closed"])
def test_a_call_whose_answer_is_lost_is_the_same_call(fault: str) -> None:
    action = deployment()
    action.faults["lambda.Invoke"] = [fault, fault]

    run(action)

    assert (action.status, action.asked()) == ("Succeeded", ["apply"]), action.message


def test_pods_that_the_load_balancer_finds_ill_fail_the_release() -> None:
    action = deployment()
    action.health = ["unhealthy"]

    run(action)

    assert action.status == "Failed"
    assert "the load balancer finds no pod of cluster (production-shop) healthy: unhealthy" in action.message


def test_migrations_run_by_a_call_of_their_own() -> None:
    action = run(deployment(step="migrate"))

    assert (action.status, action.asked()) == ("Succeeded", ["migrate"]), action.message


def test_verify_compares_what_the_pods_run() -> None:
    action = deployment(step="verify")
    action.host.release = NEW

    run(action)

    assert (action.status, action.summary) == ("Succeeded", "the cluster runs 1.1.0, and nothing else")


def test_hosts_need_a_document() -> None:
    action = run(deployment(cluster="", tags={"slipway:product": "shop"}))

    assert action.message == "parameter 'document' is missing: name the SSM document that releases to hosts"
