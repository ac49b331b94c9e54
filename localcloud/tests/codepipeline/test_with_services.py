"""The ECS action with real containers."""

from __future__ import annotations

import json

import pytest

from localcloud.testing.cloud import IMAGE, Cloud, definition, service
from localcloud.testing.pipelines import World, action, stage
from localcloud.testing.plain import resources, unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]


@pytest.fixture(scope="module")
def world(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(cloud, tmp_path_factory.mktemp("services"))


def deployed(world: World) -> str:
    name = unique("rolled")
    breaker = {"DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}}
    world.plain.deploy(
        resources(
            Cluster=("AWS::ECS::Cluster", {"ClusterName": name}),
            Task=definition("python", "-m", "http.server", Task={"Family": name}),
            Service=service(name, name, DeploymentConfiguration=breaker),
        )
    )
    return name


def release(world: World, name: str, image: str) -> tuple[str, str]:
    """Runs a pipeline that deploys an image to a service. Returns the pipeline's name and the id of the run."""
    world.commit("release", **{"imagedefinitions.json": json.dumps([{"name": "main", "imageUri": image}])})
    given = {"ClusterName": name, "ServiceName": name}
    roll = action("Roll", "Deploy", "ECS", given, inputs=["Code"])
    declaration = world.declare(stage("Deploy", roll))
    world.api.create_pipeline(pipeline=declaration)
    pipeline = str(declaration["name"])
    run = world.executions(pipeline)[0]["pipelineExecutionId"]
    world.ended(pipeline, run, seconds=180)
    return pipeline, run


def test_a_release_is_deployed_and_one_with_a_missing_image_is_rolled_back(world: World) -> None:
    name = deployed(world)
    ecs = world.plain.client("ecs")

    def revision() -> str:
        found: str = ecs.describe_services(cluster=name, services=[name])["services"][0]["taskDefinition"]
        return found.rsplit(":", 1)[-1]

    before = int(revision())
    pipeline, run = release(world, name, IMAGE)
    assert world.execution(pipeline, run)["status"] == "Succeeded", world.actions(pipeline, run)
    assert int(revision()) == before + 1
    pipeline, run = release(world, name, "localhost:1/missing:1")
    assert world.execution(pipeline, run)["status"] == "Failed"
    assert f"{name}:{before + 2} failed" in world.error(pipeline, run, "Roll")["message"]
    assert int(revision()) == before + 1
