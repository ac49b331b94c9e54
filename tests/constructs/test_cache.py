"""Redis or Valkey on ElastiCache."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from slipway.cache import RedisCache
from tests.support.stack import any_vpc, empty_stack, only, properties

GROUP = "AWS::ElastiCache::ReplicationGroup"


def cache(**changes: Any) -> Template:
    stack = empty_stack()
    vpc = any_vpc(stack)
    settings: dict[str, Any] = {
        "engine": "redis",
        "version": "7.1",
        "node_type": "cache.t4g.micro",
        "replicas": 0,
        "snapshot_days": 0,
        "keep": True,
    }
    RedisCache(stack, "Cache", vpc=vpc, clients=ec2.SecurityGroup(stack, "Clients", vpc=vpc), **{**settings, **changes})
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def single() -> Template:
    return cache()


@pytest.fixture(scope="module")
def replicated() -> Template:
    return cache(replicas=2, snapshot_days=3)


def test_is_encrypted_in_transit_and_at_rest(single: Template) -> None:
    found = properties(single, GROUP)

    assert (found["TransitEncryptionEnabled"], found["AtRestEncryptionEnabled"]) == (True, True)


def test_requires_the_token_in_its_secret(single: Template) -> None:
    parts = properties(single, GROUP)["AuthToken"]["Fn::Join"][1]

    assert (parts[0], parts[-1]) == ("{{resolve:secretsmanager:", ":SecretString:::}}")


def test_has_one_shard(single: Template) -> None:
    found = properties(single, GROUP)

    assert found["ClusterMode"] == "disabled"
    assert "NumNodeGroups" not in found


def test_cannot_fail_over_without_replicas(single: Template) -> None:
    found = properties(single, GROUP)

    assert (found["NumCacheClusters"], found["AutomaticFailoverEnabled"], found["MultiAZEnabled"]) == (1, False, False)


def test_fails_over_to_another_zone_with_replicas(replicated: Template) -> None:
    found = properties(replicated, GROUP)

    assert (found["NumCacheClusters"], found["AutomaticFailoverEnabled"], found["MultiAZEnabled"]) == (3, True, True)


def test_evicts_no_keys(single: Template) -> None:
    assert properties(single, "AWS::ElastiCache::ParameterGroup")["Properties"] == {"maxmemory-policy": "noeviction"}


@pytest.mark.parametrize(("days", "keep"), [(0, "single"), (3, "replicated")])
def test_keeps_snapshots_for_the_given_days(days: int, keep: str, request: pytest.FixtureRequest) -> None:
    assert properties(request.getfixturevalue(keep), GROUP)["SnapshotRetentionLimit"] == days


def test_admits_only_its_clients(single: Template) -> None:
    rule = properties(single, "AWS::EC2::SecurityGroupIngress")

    assert rule["SourceSecurityGroupId"]["Fn::GetAtt"][0].startswith("Clients")
    assert (rule["FromPort"], rule["ToPort"]) == (6379, 6379)


@pytest.mark.parametrize(("keep", "policy"), [(True, "Snapshot"), (False, "Delete")])
def test_leaves_a_snapshot_if_data_are_kept(keep: bool, policy: str) -> None:
    assert only(cache(keep=keep), GROUP)["DeletionPolicy"] == policy


@pytest.mark.parametrize(
    ("engine", "version", "family"),
    [
        ("redis", "5.0", "redis5.0"),
        ("redis", "6.0", "redis6.x"),
        ("redis", "6.2", "redis6.x"),
        ("redis", "7.0", "redis7"),
        ("redis", "7.1", "redis7"),
        ("valkey", "7.2", "valkey7"),
        ("valkey", "8.0", "valkey8"),
        ("valkey", "8.2", "valkey8"),
        ("valkey", "9.0", "valkey9"),
    ],
)
def test_uses_the_parameter_group_family_of_its_engine(engine: str, version: str, family: str) -> None:
    template = cache(engine=engine, version=version)

    assert properties(template, "AWS::ElastiCache::ParameterGroup")["CacheParameterGroupFamily"] == family
