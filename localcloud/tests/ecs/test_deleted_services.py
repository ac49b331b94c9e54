"""A service that was deleted by hand cannot be updated: neither by a call, nor by its stack."""

from __future__ import annotations

import pytest

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def test_an_update_of_a_deleted_service_is_refused(plain: Plain) -> None:
    name, ecs = unique("gone"), plain.client("ecs")
    container = {"Name": "main", "Image": "python:3.13-slim", "Command": ["true"]}
    service = {"Cluster": {"Ref": "Cluster"}, "ServiceName": name, "DesiredCount": 0, "TaskDefinition": {"Ref": "Task"}}
    plain.deploy(
        resources(
            Cluster=("AWS::ECS::Cluster", {"ClusterName": name}),
            Task=("AWS::ECS::TaskDefinition", {"Family": name, "ContainerDefinitions": [container]}),
            Service=("AWS::ECS::Service", service),
        ),
        name,
    )
    ecs.delete_service(cluster=name, service=name, force=True)

    with pytest.raises(ecs.exceptions.ServiceNotActiveException, match="not ACTIVE"):
        ecs.update_service(cluster=name, service=name, desiredCount=1)
