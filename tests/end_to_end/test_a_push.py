"""The whole path in one short test: a push, a build in a container, an image, a service, and its response."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.settings import Settings
from localcloud.testing.builds import LOGS, REGISTRY, Builder, allow, spec
from localcloud.testing.cloud import PULL, Cloud, balancer, definition, role, service, until
from localcloud.testing.fixtures import elsewhere
from localcloud.testing.pipelines import World, action, stage
from localcloud.testing.plain import resources, unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.smoke]

DOCKERFILE = "FROM python:3.13-slim\nCOPY page.txt /srv/page.txt\n"
ROLE = {"Fn::GetAtt": ["Execution", "Arn"]}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, common: Settings) -> Iterator[Cloud]:
    """A cloud that ends with this file, since `make test` begins with it."""
    with elsewhere(tmp_path_factory, common) as running:
        yield running


@pytest.fixture(scope="module")
def world(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(cloud, tmp_path_factory.mktemp("push"))


def serve(cloud: Cloud) -> str:
    """Deploys a service that serves the folder /srv of its image behind a load balancer; returns their name."""
    name = unique("push")
    task = {"Family": name, "ExecutionRoleArn": ROLE}
    ports = [{"ContainerPort": 8000}]
    command = ("python", "-m", "http.server", "8000", "--directory", "/srv")
    group = [{"ContainerName": "main", "ContainerPort": 8000, "TargetGroupArn": {"Ref": "Group"}}]
    running = service(name, name, LoadBalancers=group)
    running["DependsOn"] = ["Cluster", "Listener"]
    front = balancer(name)
    front["Group"]["Properties"]["HealthCheckPath"] = "/"
    cloud.deploy(
        resources(
            Cluster=("AWS::ECS::Cluster", {"ClusterName": name}),
            Execution=role(PULL),
            Task=definition(*command, Task=task, PortMappings=ports),
            Service=running,
            **front,
        )
    )
    return name


def builder(world: World, cloud: Cloud, repository: str) -> Builder:
    """A project that builds an image of the commit, pushes it, and writes its digest to an artifact."""
    image = f"{REGISTRY}/{repository}"
    reached = f"arn:aws:s3:::{world.bucket}/*"
    found = f"aws ecr describe-images --repository-name {repository} --image-ids imageTag=$CODEBUILD_BUILD_NUMBER"
    return Builder(
        cloud,
        spec(
            f"aws ecr get-login-password | docker login --username AWS --password-stdin {REGISTRY}",
            f"docker build --quiet --tag {image}:$CODEBUILD_BUILD_NUMBER .",
            f"docker push --quiet {image}:$CODEBUILD_BUILD_NUMBER",
            f"DIGEST=$({found} --query 'imageDetails[0].imageDigest' --output text)",
            f'echo "[{{\\"name\\": \\"main\\", \\"imageUri\\": \\"{image}@$DIGEST\\"}}]" > imagedefinitions.json',
            artifacts={"files": ["imagedefinitions.json"]},
        ),
        LOGS,
        allow(["ecr:*"]),
        allow(["s3:GetObject*", "s3:PutObject*"], reached),
        privileged=True,
    )


def test_a_push_is_built_in_a_container_deployed_and_served(world: World, cloud: Cloud) -> None:
    name, repository = serve(cloud), f"{unique('own')}/web"
    cloud.client("ecr").create_repository(repositoryName=repository)
    build = action(
        "Build", "Build", "CodeBuild", {"ProjectName": builder(world, cloud, repository).name},
        inputs=["Code"], outputs=["Image"],
    )  # fmt: skip
    roll = action("Roll", "Deploy", "ECS", {"ClusterName": name, "ServiceName": name}, inputs=["Image"])
    world.commit("a page", **{"Dockerfile": DOCKERFILE, "page.txt": "hello"})
    pipeline = world.quiet(stage("Build", build), stage("Deploy", roll))

    run = world.start(pipeline)

    ended = world.ended(pipeline, run, seconds=180)
    assert ended["status"] == "Succeeded", world.actions(pipeline, run)
    assert until("the page", lambda: cloud.get(name, "/page.txt")) == b"hello"
