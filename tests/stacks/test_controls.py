"""Controls of AWS's Foundational Security Best Practices that no other test covers; the policy gate names them."""

from __future__ import annotations

import re

import pytest

from slipway_cli.gate.controls import load
from tests.support.synthesis import ON_FARGATE, PRODUCTS, WITH_CACHE, WITH_DATABASE, WITH_FRONTEND, shipped


@pytest.mark.parametrize("product", WITH_DATABASE)
def test_no_database_has_the_default_administrator(product: str) -> None:
    database = shipped(product).product.database

    assert database
    assert database.user not in {"postgres", "admin", "root", "rdsadmin"}


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_queue_is_encrypted(product: str) -> None:
    found = shipped(product).resources("AWS::SQS::Queue")

    assert found
    assert {
        place for place, resource in found.items() if resource["Properties"].get("SqsManagedSseEnabled") is not True
    } == set()


@pytest.mark.parametrize("product", WITH_FRONTEND)
def test_every_distribution_has_a_default_root_object(product: str) -> None:
    found = shipped(product).resources("AWS::CloudFront::Distribution")

    assert found
    assert {resource["Properties"]["DistributionConfig"]["DefaultRootObject"] for resource in found.values()} == {
        "index.html"
    }


@pytest.mark.parametrize("product", ON_FARGATE)
def test_every_service_runs_on_the_latest_platform(product: str) -> None:
    found = shipped(product).resources("AWS::ECS::Service")

    assert found
    assert {resource["Properties"].get("PlatformVersion", "LATEST") for resource in found.values()} == {"LATEST"}


@pytest.mark.parametrize("product", WITH_CACHE)
def test_every_cache_applies_minor_versions_automatically(product: str) -> None:
    found = shipped(product).resources("AWS::ElastiCache::ReplicationGroup")

    assert found
    assert {resource["Properties"]["AutoMinorVersionUpgrade"] for resource in found.values()} == {True}


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_build_has_its_own_log_group(product: str) -> None:
    found = shipped(product).resources("AWS::CodeBuild::Project")
    logs = [str(resource["Properties"]["LogsConfig"]["CloudWatchLogs"]["GroupName"]) for resource in found.values()]

    assert logs
    assert len(set(logs)) == len(logs)


@pytest.mark.parametrize("product", ON_FARGATE)
def test_every_task_has_its_own_network_interface(product: str) -> None:
    found = shipped(product).resources("AWS::ECS::TaskDefinition")

    assert found
    assert {definition["Properties"]["NetworkMode"] for definition in found.values()} == {"awsvpc"}


@pytest.mark.parametrize("product", ON_FARGATE)
def test_every_container_runs_as_a_user_that_is_not_root(product: str) -> None:
    users = {
        place: container.get("User", "")
        for place, resource in shipped(product).resources("AWS::ECS::TaskDefinition").items()
        for container in resource["Properties"]["ContainerDefinitions"]
    }

    assert users
    assert {place: user for place, user in users.items() if not re.fullmatch(r"[1-9]\d*(:\d+)?", user)} == {}


def test_backups_are_kept_a_week_with_the_exceptions_in_the_controls() -> None:
    (row,) = [control for control in load().rows if control.name == "RDS.11"]
    days = {
        (product, name): environment.database.backup_days
        for product in PRODUCTS
        for name, environment in shipped(product).product.environments.items()
        if environment.database
    }
    short = [f"{product} {name}" for (product, name), kept in days.items() if kept < 7]

    assert row.reasons["left"].partition(" keep ")[0] == " and ".join(short)
    assert {kept for kept in days.values() if kept < 7} == {1}
    for (product, name), kept in days.items():
        if kept >= 7:
            assert re.search(rf"{product} {name}( keeps)? {kept}", row.reasons["left"])
