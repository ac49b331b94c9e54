"""The exact names that operators type."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.synthesis import PRODUCTS, shipped, synthesis

STACKS = ["network", "data", "services", "edge", "observability"]


def test_every_stack_is_named_after_environment_product_and_part() -> None:
    names = list(shipped("allthrive").templates)

    assert {f"{environment}-allthrive-{stack}" for environment in ("staging", "production") for stack in STACKS} <= set(
        names
    )
    assert {"tooling-allthrive-registry", "tooling-allthrive-identity"} <= set(names)


def test_the_cluster_has_its_documented_name() -> None:
    cluster = synthesis().resource("AWS::ECS::Cluster", "production-allthrive-services")

    assert cluster["ClusterName"] == "production-allthrive-cluster"


def test_the_services_have_their_documented_names() -> None:
    found = synthesis().resources("AWS::ECS::Service", "production-allthrive-services").values()

    assert sorted(resource["Properties"]["ServiceName"] for resource in found) == [
        "production-allthrive-celery",
        "production-allthrive-celery-beat",
        "production-allthrive-web",
    ]


def test_the_log_groups_of_services_have_their_documented_names() -> None:
    found = synthesis().resources("AWS::Logs::LogGroup", "production-allthrive-services").values()
    names = {resource["Properties"].get("LogGroupName") for resource in found}

    assert {f"/ecs/production-allthrive-{name}" for name in ("web", "celery", "celery-beat", "migrate")} <= names


def test_a_service_writes_to_its_own_log_group() -> None:
    template = synthesis()["production-allthrive-services"]["Resources"]
    for logical_id, task in template.items():
        if task["Type"] == "AWS::ECS::TaskDefinition":
            (container,) = task["Properties"]["ContainerDefinitions"]
            group = template[container["LogConfiguration"]["Options"]["awslogs-group"]["Ref"]]
            assert group["Properties"]["LogGroupName"] == f"/ecs/{task['Properties']['Family']}", logical_id


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_role_of_github_actions_has_its_documented_name(environment: str) -> None:
    roles = shipped("allthrive").resources("AWS::IAM::Role", "tooling-allthrive-identity").values()

    assert f"{environment}-allthrive-github-actions-role" in [role["Properties"].get("RoleName") for role in roles]


def test_the_repositories_of_an_image_have_their_documented_names() -> None:
    repositories = shipped("allthrive").resources("AWS::ECR::Repository", "tooling-allthrive-registry").values()

    assert sorted(repository["Properties"]["RepositoryName"] for repository in repositories) == [
        "allthrive/backend",
        "allthrive/branches/backend",
        "allthrive/builds/backend",
        "allthrive/builds/branches/backend",
    ]


def test_outputs_have_the_names_that_releases_look_up() -> None:
    outputs = {
        name: set(synthesis()[f"production-allthrive-{name}"]["Outputs"]) for name in ("services", "edge", "data")
    }

    assert {"ClusterName", "MigrationTaskDefinition", "MigrationSubnets", "MigrationSecurityGroup"} <= outputs[
        "services"
    ]
    assert {"SiteBucketName", "DistributionId", "DistributionDomainName", "Url"} <= outputs["edge"]
    assert {"MediaBucketName", "DatabaseUrlSecret", "DatabaseCredentialsSecret"} <= outputs["data"]


def test_parameters_of_a_release_are_named_after_images_and_scaled_services() -> None:
    parameters = synthesis()["production-allthrive-services"]["Parameters"]

    assert {"BackendImage", "ReleaseVersion", "WebDesiredCount"} <= set(parameters)


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_stack_is_tagged_with_product_and_environment(product: str) -> None:
    for name, properties in shipped(product).properties.items():
        assert properties["tags"]["product"] == product, name
        assert name.startswith(f"{properties['tags']['environment']}-{product}-")


# Services of different clusters or namespaces, and addresses of a domain name for IPv4 and IPv6, have the same name.
_SHARED = (
    "AWS::ECS::Service",
    "AWS::Lambda::Permission",
    "AWS::Route53::RecordSet",
    "AWS::SSM::Association",
    "AWS::ServiceDiscovery::Service",
)


def test_no_two_products_in_an_account_use_the_same_resource_name() -> None:
    keys = ("Name", "RoleName", "FunctionName", "BucketName", "LogGroupName", "RepositoryName", "ClusterName")
    counted = Counter(
        (kind, key, resource["Properties"][key])
        for product in PRODUCTS
        for template in shipped(product).templates.values()
        for resource in template["Resources"].values()
        if (kind := resource["Type"]) not in _SHARED
        for key in keys
        if isinstance(resource.get("Properties", {}).get(key), str)
    )

    assert len(counted) > 100
    assert [name for name, count in counted.items() if count > 1] == []
