"""An in-memory AWS for releases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from products import load
from slipway_cli.release.target import Target
from tests.support.fake_aws import FakeAws

OUTPUTS = {
    "SiteBucketName": "site",
    "DistributionId": "E1",
    "Url": "https://d1.cloudfront.net",
    "MigrationTaskDefinition": "arn:aws:ecs:us-east-1:111122223333:task-definition/production-allthrive-migrate:3",
    "MigrationSubnets": "subnet-1,subnet-2",
    "MigrationSecurityGroup": "sg-1",
}


@pytest.fixture(name="aws")
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    with FakeAws().installed(monkeypatch) as aws:
        yield aws


@pytest.fixture(name="target")
def _target() -> Target:
    target = Target(load("allthrive"), "production")
    for stack in ("edge", "services"):
        target._outputs[target.stack(stack)] = OUTPUTS
    return target
