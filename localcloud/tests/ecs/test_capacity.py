"""Services on the capacity providers FARGATE and FARGATE_SPOT, and their change from one to the other."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local

SPOT = {"CapacityProviderStrategy": [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]}
ON_DEMAND = {"LaunchType": "FARGATE"}


def template(name: str, capacity: dict[str, Any]) -> dict[str, Any]:
    container = {"Name": "main", "Image": "python:3.13-slim", "Command": ["true"]}
    return resources(
        Cluster=(
            "AWS::ECS::Cluster",
            {"ClusterName": name, **({"CapacityProviders": ["FARGATE", "FARGATE_SPOT"]} if capacity is SPOT else {})},
        ),
        Task=("AWS::ECS::TaskDefinition", {"Family": name, "ContainerDefinitions": [container]}),
        Service=(
            "AWS::ECS::Service",
            {
                "Cluster": {"Ref": "Cluster"},
                "ServiceName": name,
                "DesiredCount": 0,
                "TaskDefinition": {"Ref": "Task"},
                **capacity,
            },
        ),
    )


def found(plain: Plain, name: str) -> dict[str, Any]:
    (service,) = plain.client("ecs").describe_services(cluster=name, services=[name])["services"]
    return dict(service)


def test_a_service_on_spot_has_its_strategy_and_no_launch_type(plain: Plain) -> None:
    name = unique("spot")
    plain.deploy(template(name, SPOT), name)

    service = found(plain, name)
    (cluster,) = plain.client("ecs").describe_clusters(clusters=[name])["clusters"]

    assert service["capacityProviderStrategy"][0]["capacityProvider"] == "FARGATE_SPOT"
    assert "launchType" not in service
    assert cluster["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"]


def test_a_service_moves_to_spot_and_back_in_place(plain: Plain) -> None:
    name = unique("moved")
    plain.deploy(template(name, ON_DEMAND), name)
    before = found(plain, name)

    plain.deploy(template(name, SPOT), name)
    moved = found(plain, name)
    plain.deploy(template(name, ON_DEMAND), name)
    back = found(plain, name)

    assert moved["createdAt"] == back["createdAt"] == before["createdAt"]
    assert moved["capacityProviderStrategy"][0]["capacityProvider"] == "FARGATE_SPOT"
    assert back["launchType"] == before["launchType"] == "FARGATE"


def test_a_change_of_capacity_starts_a_deployment(plain: Plain) -> None:
    name = unique("deployed")
    plain.deploy(template(name, ON_DEMAND), name)
    before = found(plain, name)["deployments"][0]["id"]

    plain.deploy(template(name, SPOT), name)

    assert found(plain, name)["deployments"][0]["id"] != before
