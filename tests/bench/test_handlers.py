"""Packages of handlers are small and have no third-party dependencies."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_logs as logs

from bench.handlers import Cold, handlers, libraries, pack, packed, services, third_parties
from paths import HANDLERS
from slipway.handler import Handler
from tests.support.stack import empty_stack

LIMIT = 74_000  # bytes before compression, most of them of lambda/shared
LIBRARY = 15_000
LARGER = {
    "deploy_hosts": 35_000,
    "deploy_release": 4_000,
    "find_snapshot": 4_000,
}  # commands, fleet, way back: what ECS and CloudFormation do for services


@pytest.mark.parametrize("name", handlers())
def test_a_handlers_package_is_small(name: str) -> None:
    assert sum(path.stat().st_size for path in packed(name)) < LIMIT + LARGER.get(name, 0) + LIBRARY * len(
        libraries(name)
    )


@pytest.mark.parametrize("name", handlers())
def test_a_handler_imports_only_the_standard_library_and_boto3(name: str) -> None:
    assert third_parties(name) <= {"boto3", "botocore"}


@pytest.mark.parametrize("name", handlers())
def test_the_measured_package_is_the_one_that_cdk_creates(name: str) -> None:
    stack = empty_stack()
    Handler(
        stack,
        "Handler",
        name=name,
        description="any",
        timeout=cdk.Duration.seconds(30),
        environment={},
        log_retention=logs.RetentionDays.ONE_WEEK,
        statements=[],
        libraries=libraries(name),
    )
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    (asset,) = Path(app.synth().directory).glob("asset.*")

    assert [path.relative_to(asset) for path in sorted(asset.rglob("*")) if path.is_file()] == [
        path.relative_to(HANDLERS) for path in packed(name)
    ]


def test_the_clients_are_those_of_a_handler_and_its_helpers() -> None:
    assert services("run_migrations") == ["codepipeline", "ecs", "logs"]
    assert services("publish_release") == ["codepipeline", "kms", "secretsmanager"]
    assert services("rotate_database_password") == ["ecs", "secretsmanager"]


def test_a_first_import_is_timed_in_the_package_alone(tmp_path: Path) -> None:
    pack("invalidate_cache", tmp_path)
    case = Cold("invalidate_cache.handler", ["cloudfront"])
    case.run(tmp_path)

    assert case.cpu[0] > 0
    assert list(tmp_path.rglob("__pycache__")) == []
