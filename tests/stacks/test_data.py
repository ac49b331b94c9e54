"""The Data stack: everything that holds data."""

from __future__ import annotations

import pytest

from tests.support.synthesis import Synthesis, shipped, synthesis

STACK = "production-allthrive-data"
# If a logical id changes, CloudFormation replaces the resource and its data. Change a line only with a plan for them.
STATEFUL_IDS = {
    "AWS::RDS::DBInstance": ["DatabaseInstanceAA8A5FDE"],
    "AWS::ElastiCache::ReplicationGroup": ["CacheGroup065C0BC1"],
    "AWS::S3::Bucket": ["AccessLogs8B620ECA", "MediaA721A567"],
    "AWS::SecretsManager::Secret": [
        "CacheTokenFD4A239D",
        "DatabaseCredentials24F58BE6",
        "DatabaseUrlF879C7EE",
        "DatabaseUsersCredentialsCF32C3F9",
        "SecretKey573D36D8",
    ],
}


@pytest.fixture(scope="module")
def production() -> Synthesis:
    return synthesis()


def logical_ids(app: Synthesis, kind: str, stack: str) -> list[str]:
    return sorted(place.partition("/")[2] for place in app.resources(kind, stack))


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_every_data_store_keeps_its_logical_id(environment: str) -> None:
    stack = f"{environment}-allthrive-data"

    assert {kind: logical_ids(shipped("allthrive"), kind, stack) for kind in STATEFUL_IDS} == STATEFUL_IDS


def test_the_database_is_encrypted_private_and_protected(production: Synthesis) -> None:
    production.template(STACK).has_resource_properties(
        "AWS::RDS::DBInstance",
        {
            "StorageEncrypted": True,
            "PubliclyAccessible": False,
            "DeletionProtection": True,
            "CopyTagsToSnapshot": True,
            "Engine": "postgres",
            "EngineVersion": "18",
        },
    )


def test_the_database_has_the_size_in_the_manifest(production: Synthesis) -> None:
    production.template(STACK).has_resource_properties(
        "AWS::RDS::DBInstance",
        {
            "DBInstanceClass": "db.t4g.medium",
            "AllocatedStorage": "50",
            "MaxAllocatedStorage": 200,
            "MultiAZ": True,
            "BackupRetentionPeriod": 30,
            "DBName": "allthrive",
        },
    )


def test_the_cache_has_the_size_in_the_manifest(production: Synthesis) -> None:
    production.template(STACK).has_resource_properties(
        "AWS::ElastiCache::ReplicationGroup",
        {
            "CacheNodeType": "cache.t4g.small",
            "NumCacheClusters": 2,
            "AutomaticFailoverEnabled": True,
            "MultiAZEnabled": True,
            "SnapshotRetentionLimit": 7,
            "EngineVersion": "7.1",
        },
    )


def test_database_and_cache_are_in_the_data_subnets(production: Synthesis) -> None:
    groups = [
        production.resource("AWS::RDS::DBSubnetGroup", STACK)["SubnetIds"],
        production.resource("AWS::ElastiCache::SubnetGroup", STACK)["SubnetIds"],
    ]

    assert [len(subnets) for subnets in groups] == [3, 3]
    assert all("DataSubnet" in subnet["Fn::ImportValue"] for subnets in groups for subnet in subnets)


def test_only_the_containers_and_the_users_functions_reach_database_and_cache(production: Synthesis) -> None:
    ingress = [
        resource["Properties"] for resource in production.resources("AWS::EC2::SecurityGroupIngress", STACK).values()
    ]

    sources = [rule["SourceSecurityGroupId"] for rule in ingress]
    containers = [source for source in sources if "NetworkApplication" in source.get("Fn::ImportValue", "")]
    assert (len(sources), len(containers)) == (3, 2)
    (functions,) = [source["Fn::GetAtt"][0] for source in sources if source not in containers]
    assert functions.startswith("DatabaseUsersSecurityGroup")
    for group in production.resources("AWS::EC2::SecurityGroup", STACK).values():
        assert "SecurityGroupIngress" not in group["Properties"]


def policies(app: Synthesis, stack: str) -> dict[str, tuple[str, str]]:
    """Returns the deletion policy and the update replace policy of each data store."""
    return {
        logical_id: (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        for logical_id, resource in app[stack]["Resources"].items()
        if resource["Type"] in STATEFUL_IDS
    }


def test_kept_data_are_retained_when_their_stack_is_deleted(production: Synthesis) -> None:
    found = policies(production, STACK)

    assert {found[name] for name in STATEFUL_IDS["AWS::S3::Bucket"]} == {("Retain", "Retain")}
    assert {found[name] for name in STATEFUL_IDS["AWS::SecretsManager::Secret"]} == {("Retain", "Retain")}
    assert {found[name] for name in STATEFUL_IDS["AWS::RDS::DBInstance"]} == {("Snapshot", "Snapshot")}
    assert {found[name] for name in STATEFUL_IDS["AWS::ElastiCache::ReplicationGroup"]} == {("Snapshot", "Snapshot")}


def test_other_data_are_deleted_with_their_stack() -> None:
    staging = policies(shipped("allthrive"), "staging-allthrive-data")

    assert set(staging.values()) == {("Delete", "Delete")}


@pytest.mark.parametrize("keep", [True, False])
def test_backups_of_a_database_are_kept_with_it(keep: bool) -> None:
    changed = synthesis({"environments.production.keep_data": keep})

    assert changed.resource("AWS::RDS::DBInstance", STACK)["DeleteAutomatedBackups"] is not keep


@pytest.mark.parametrize("protect", [True, False])
def test_the_manifest_sets_deletion_protection(protect: bool) -> None:
    changed = synthesis({"environments.production.deletion_protection": protect})
    balancer = changed.resource("AWS::ElasticLoadBalancingV2::LoadBalancer", "production-allthrive-services")
    attributes = {attribute["Key"]: attribute["Value"] for attribute in balancer["LoadBalancerAttributes"]}

    assert changed.resource("AWS::RDS::DBInstance", STACK)["DeletionProtection"] is protect
    assert attributes["deletion_protection.enabled"] == str(protect).lower()
    assert {stack.get("terminationProtection", False) for stack in changed.properties.values()} == {protect}


def test_the_media_are_read_by_cloudfront_of_this_account_only(production: Synthesis) -> None:
    policy = production.resource(
        "AWS::S3::BucketPolicy", STACK, lambda properties: "Media" in str(properties["Bucket"])
    )
    (reads,) = [statement for statement in policy["PolicyDocument"]["Statement"] if statement["Effect"] == "Allow"]

    assert reads["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert reads["Action"] == "s3:GetObject"
    assert reads["Condition"] == {"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::111122223333:distribution/*"}}


def test_the_media_are_versioned(production: Synthesis) -> None:
    media = production.resource("AWS::S3::Bucket", STACK, lambda properties: "s3/Media/" in str(properties))

    assert media["VersioningConfiguration"] == {"Status": "Enabled"}
