"""What AWS's Foundational Security Best Practices ask and no other test does: gate/controls.yaml names these."""

from __future__ import annotations

import pytest

from tests.support.synthesis import PRODUCTS, shipped


@pytest.mark.parametrize("product", PRODUCTS)
def test_no_database_has_the_default_administrator(product: str) -> None:
    found = shipped(product).product.database.user

    assert found not in {"postgres", "admin", "root", "rdsadmin"}


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_queue_is_encrypted(product: str) -> None:
    found = shipped(product).resources("AWS::SQS::Queue")

    assert found
    assert {place for place, it in found.items() if it["Properties"].get("SqsManagedSseEnabled") is not True} == set()


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_distribution_has_a_default_root_object(product: str) -> None:
    found = shipped(product).resources("AWS::CloudFront::Distribution")

    assert found
    assert {it["Properties"]["DistributionConfig"]["DefaultRootObject"] for it in found.values()} == {"index.html"}


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_service_runs_on_the_latest_platform(product: str) -> None:
    found = shipped(product).resources("AWS::ECS::Service")

    assert found
    assert {it["Properties"].get("PlatformVersion", "LATEST") for it in found.values()} == {"LATEST"}


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_cache_takes_minor_versions_by_itself(product: str) -> None:
    found = shipped(product).resources("AWS::ElastiCache::ReplicationGroup")

    assert found
    assert {it["Properties"]["AutoMinorVersionUpgrade"] for it in found.values()} == {True}


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_build_writes_a_log_of_its_own(product: str) -> None:
    found = shipped(product).resources("AWS::CodeBuild::Project")
    logs = [str(it["Properties"]["LogsConfig"]["CloudWatchLogs"]["GroupName"]) for it in found.values()]

    assert logs
    assert len(set(logs)) == len(logs)
