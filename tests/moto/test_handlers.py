"""Handlers against moto: what they send is accepted, and what they read is there, in an AWS that we did not write.

The handlers' answers to CodePipeline are left out: moto has no jobs.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import boto3
import pytest

from invalidate_cache import handler as invalidate_cache
from promote_image import handler as promote_image
from protect_image import handler as protect_image
from publish_build import handler as publish_build
from rotate_database_password import handler as rotate
from run_migrations import handler as run_migrations
from shared.job import Done, Failed, Job, Wait
from tests.moto.conftest import ACCOUNT, REGION

MEDIA = "application/vnd.oci.image.manifest.v1+json"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


def job(parameters: dict[str, Any], state: dict[str, Any] | None = None) -> Job:
    """Returns a job of CodePipeline with parameters, and the state of an earlier call."""
    configuration = {"configuration": {"UserParameters": json.dumps(parameters)}}
    data = {"actionConfiguration": configuration, "inputArtifacts": []}
    token = {"continuationToken": json.dumps(state)} if state else {}
    return Job({"CodePipeline.job": {"id": "0f1e2d3c-0000", "data": {**data, **token}}}, 10)


def pushed(repository: str, name: str) -> str:
    """Pushes an image to a repository, and returns its URI with digest."""
    ecr = boto3.client("ecr")
    if repository not in [found["repositoryName"] for found in ecr.describe_repositories()["repositories"]]:
        ecr.create_repository(repositoryName=repository)
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{name * 64}", "size": 2}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MEDIA, "config": config, "layers": []})
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    ecr.put_image(
        repositoryName=repository,
        imageManifest=manifest,
        imageManifestMediaType=MEDIA,
        imageTag=f"commit-{name}",
        imageDigest=digest,
    )
    return f"{REGISTRY}/{repository}@{digest}"


def tags(uri: str) -> set[str]:
    """Returns the tags of an image."""
    repository, _, digest = uri.removeprefix(f"{REGISTRY}/").partition("@")
    found = boto3.client("ecr").describe_images(repositoryName=repository, imageIds=[{"imageDigest": digest}])
    return set(found["imageDetails"][0]["imageTags"])


def stack(name: str, **outputs: str) -> None:
    """Creates a stack with outputs."""
    template = {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))


def test_a_release_tags_its_images_once() -> None:
    images = [pushed("shop/web", "a"), pushed("shop/worker", "b")]
    parameters = {"images": images, "tag": "v1.0.0"}

    for _ in range(2):
        assert isinstance(promote_image.promote(job(parameters)), Done)

    assert [tags(image) for image in images] == [{"commit-a", "v1.0.0"}, {"commit-b", "v1.0.0"}]


def test_a_releases_tag_does_not_move() -> None:
    old, new = pushed("shop/web", "a"), pushed("shop/web", "b")
    promote_image.promote(job({"images": [old], "tag": "v1.0.0"}))
    with pytest.raises(Failed, match="a release's tag never moves"):
        promote_image.promote(job({"images": [new], "tag": "v1.0.0"}))
    assert "v1.0.0" in tags(old)


def test_an_image_that_does_not_exist_is_not_released() -> None:
    absent = f"{pushed('shop/web', 'a').partition('@')[0]}@sha256:{'f' * 64}"
    with pytest.raises(Failed, match="Requested image not found"):
        promote_image.promote(job({"images": [absent], "tag": "v1.0.0"}))


def test_an_image_whose_tests_passed_gets_its_tags_and_only_some_of_them_move() -> None:
    """Copying layers is left out: moto takes no uploads of layers."""

    def publish(image: str, commit: str) -> Done | Wait:
        settings = {"repositories": {"shop/builds/web": "shop/web"}, "version": "1.0.0", "release_tag": "v1.0.0"}
        return publish_build.publish(
            job({**settings, "image": image, "commit": commit, "tags": "first:1.0.0 label:1.0.0-a moved:latest"})
        )

    old, new = pushed("shop/web", "a"), pushed("shop/web", "b")

    assert isinstance(publish(old, "a"), Done)
    assert tags(old) == {"commit-a", "1.0.0", "1.0.0-a", "latest"}
    assert isinstance(publish(new, "b"), Done)
    assert (tags(old), tags(new)) == ({"commit-a", "1.0.0", "1.0.0-a"}, {"commit-b", "latest"})


def test_a_tag_in_use_moves_to_the_next_image_and_entered_tags_stay() -> None:
    parameters = {"tag": "in-use-staging-waiting", "entered": "entered-"}
    old, new = pushed("shop/web", "a"), pushed("shop/web", "b")
    for image in (old, new, new):
        protect_image.keep(job({"images": [image], **parameters}))
    assert "in-use-staging-waiting" in tags(new)
    assert "in-use-staging-waiting" not in tags(old)
    assert all(any(tag.startswith("entered-") for tag in tags(image)) for image in (old, new))


def test_a_rotation_makes_the_pending_version_current_and_restarts_the_services(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets, ecs, version = boto3.client("secretsmanager"), boto3.client("ecs"), "11111111-2222-3333-4444-555555555555"
    arn = secrets.create_secret(Name="database", SecretString=json.dumps({"username": "app_1", "password": "old"}))[
        "ARN"
    ]
    secrets.create_secret(Name="address", SecretString="postgresql://app_1:old@db")
    ecs.create_cluster(clusterName="cluster")
    container = {"name": "web", "image": "web", "memory": 512}
    ecs.register_task_definition(family="web", containerDefinitions=[container])
    ecs.create_service(cluster="cluster", serviceName="web", taskDefinition="web", desiredCount=0)
    parts = ["postgresql://", {"key": "username"}, ":", {"key": "password", "in_address": True}, "@db"]
    composed = [{"secret": "address", "parts": parts}]
    variables = {
        "SERVICES": "web",
        "CLUSTER": "cluster",
        "COMPOSED": json.dumps(composed),
        "USERS": "app_1,app_2",
        "HOST": "db",
        "PORT": "5432",
        "DATABASE": "shop",
        "SSLMODE": "require",
        "OWNER": "owner",
        "ADMINISTRATOR_SECRET_ARN": "master",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    pending = json.dumps({"username": "app_2", "password": "n@w"})
    secrets.put_secret_value(
        SecretId=arn, ClientRequestToken=version, SecretString=pending, VersionStages=["AWSPENDING"]
    )
    before = ecs.describe_services(cluster="cluster", services=["web"])["services"][0]["deployments"][0]["id"]

    for _ in range(2):  # Secrets Manager may call a step again
        rotate.main({"SecretId": arn, "ClientRequestToken": version, "Step": "finishSecret"}, None)

    stages = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
    assert "AWSCURRENT" in stages[version]
    assert [names for found, names in stages.items() if found != version] == [["AWSPREVIOUS"]]
    assert secrets.get_secret_value(SecretId="address")["SecretString"] == "postgresql://app_2:n%40w@db"
    after = ecs.describe_services(cluster="cluster", services=["web"])["services"][0]["deployments"]
    assert before not in [deployment["id"] for deployment in after if deployment["status"] == "PRIMARY"]


def test_a_migration_runs_once_and_is_stopped_when_it_is_given_up() -> None:
    ecs, ec2 = boto3.client("ecs"), boto3.client("ec2")
    digest = f"sha256:{'a' * 64}"
    ecs.create_cluster(clusterName="cluster")
    defined = ecs.register_task_definition(
        family="migrate",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        # AWS needs no memory of the container here; moto fails without it.
        containerDefinitions=[{"name": "migrate", "image": f"{REGISTRY}/shop/web@{digest}", "memory": 512}],
    )["taskDefinition"]["taskDefinitionArn"]
    subnet = ec2.describe_subnets()["Subnets"][0]
    group = ec2.create_security_group(GroupName="app", Description="app", VpcId=subnet["VpcId"])["GroupId"]
    stack(
        "staging-shop-services",
        ClusterName="cluster",
        MigrationTaskDefinition=defined,
        MigrationSubnets=subnet["SubnetId"],
        MigrationSecurityGroup=group,
    )
    parameters = {"stack": "staging-shop-services", "image": f"{REGISTRY}/shop/web@{digest}"}

    first = job(parameters)
    started = run_migrations.migrate(first)
    assert isinstance(started, Wait)
    again = run_migrations.migrate(job(parameters, first.state))
    assert isinstance(again, Wait)
    [task] = ecs.list_tasks(cluster="cluster", startedBy=first.key)["taskArns"]
    assert again.reference == task

    assert task in run_migrations.stop(first)
    stopped = ecs.describe_tasks(cluster="cluster", tasks=[task])["tasks"][0]
    assert stopped["stoppedReason"] == "migrations took too long"


def test_the_cache_is_invalidated_once_per_job() -> None:
    cloudfront = boto3.client("cloudfront")
    origin = {"Id": "o", "DomainName": "example.com", "CustomOriginConfig": ORIGIN}
    behavior = {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only", "CachePolicyId": "c"}
    config = {
        "CallerReference": "one",
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behavior,
    }
    distribution = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Id"]
    stack("staging-shop-edge", DistributionId=distribution)
    parameters = {"stack": "staging-shop-edge", "paths": "/index.html /about"}

    first = job(parameters)
    invalidate_cache.invalidate(first)
    invalidate_cache.invalidate(job(parameters, first.state))

    listed = cloudfront.list_invalidations(DistributionId=distribution)["InvalidationList"]["Items"]
    [made] = [
        cloudfront.get_invalidation(DistributionId=distribution, Id=found["Id"])["Invalidation"] for found in listed
    ]
    assert made["InvalidationBatch"]["Paths"]["Items"] == ["/index.html", "/about"]
    assert made["InvalidationBatch"]["CallerReference"] == first.key


ORIGIN = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
