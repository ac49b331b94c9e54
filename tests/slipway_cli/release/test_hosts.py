"""A release to hosts by hand does what the pipeline's function does: host by host, all or none."""

from __future__ import annotations

import hashlib
import json

import pytest

from deploy_hosts import handler
from products import load
from slipway_cli.release import hosts as module
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.flow import applier
from slipway_cli.release.hosts import Bundle, HostRelease
from slipway_cli.release.services import ServicesRelease
from slipway_cli.release.target import Target
from tests.support.fake_hosts import BUNDLE, Hosts
from tests.support.fake_pipeline import played

REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com/edenco"
IMAGES = {name: f"{REGISTRY}/{name}@sha256:{'b' * 64}" for name in ("backend", "frontend")}
PACKED = Bundle(BUNDLE, hashlib.sha256(BUNDLE).hexdigest(), "c" * 64)


def release() -> HostRelease:
    found = applier(Target(load("edenco"), "staging"), "1.4.0-SNAPSHOT-1234567", IMAGES, PACKED)
    assert isinstance(found, HostRelease)
    return found


@pytest.fixture(name="aws")
def _aws(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    """One host of Edenco's staging that runs an old release."""
    monkeypatch.setattr(module, "_POLL_SECONDS", 0)
    return Hosts(handler.main, {}, 1)


def test_the_hosts_of_the_environment_run_it_and_its_record_is_current(aws: Hosts) -> None:
    said: list[str] = []

    with played(aws):
        release().apply(said.append)

    record = json.loads(aws.objects["current.json"])
    assert aws.released == [hashlib.sha256(aws.objects["current.json"]).hexdigest()]
    assert record == {
        "version": "1.4.0-SNAPSHOT-1234567",
        "commit": "c" * 40,
        "images": IMAGES,
        "bundle": PACKED.digest,
    }
    assert aws.objects[f"bundles/{PACKED.digest}.tar.gz"] == BUNDLE
    assert said[-1] == "1 of 1 hosts run 1.4.0-SNAPSHOT-1234567"
    assert len(said) == len(set(said))  # a state that lasts is said once


def test_a_host_that_fails_is_an_error_with_its_output_and_keeps_the_old_release(aws: Hosts) -> None:
    next(iter(aws.hosts.values())).fails = "restored"

    with played(aws), pytest.raises(ReleaseError, match="host-1"):
        release().apply(lambda _: None)

    assert aws.objects["current.json"] == aws.old
    assert aws.released == [hashlib.sha256(aws.old).hexdigest()]


def test_migrations_run_on_one_host_without_a_change_of_what_runs(aws: Hosts) -> None:
    with played(aws):
        release().migrate(lambda _: None)

    assert aws.sent("migrate", "apply") == [("migrate", "host-1")]
    assert aws.released == [hashlib.sha256(aws.old).hexdigest()]


def test_a_host_that_runs_something_else_is_found(aws: Hosts) -> None:
    with played(aws), pytest.raises(ReleaseError, match="host-1"):
        release().verify(lambda _: None)


def test_an_environment_on_fargate_is_released_by_ecs() -> None:
    target = Target(load("allthrive"), "production")

    assert isinstance(applier(target, "1.0.0", IMAGES, None), ServicesRelease)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            "[build] bash x\n\nFAILED: docker-compose.yml:3: is wrong\n\n[build] failed\n",
            "docker-compose.yml:3: is wrong",
        ),
        ("line 1\nbash: not found\n", "line 1\nbash: not found"),
    ],
)
def test_a_failed_bundle_says_its_problems_without_the_commands_of_the_build(output: str, said: str) -> None:
    assert module._problems(output) == said
