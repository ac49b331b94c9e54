"""`slipway release` against moto: the stack's update, the tags of images, and the files of the site.

Left out: images, since moto's registry takes no push, and the list of files, since moto has no key value store.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from products import load, names
from slipway_cli.release import frontend, services
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.images import Registry
from slipway_cli.release.target import Target
from tests.moto.conftest import ACCOUNT, REGION
from tests.moto.test_handlers import ORIGIN, pushed, tags

OLD, NEW = (f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/allthrive/backend@sha256:{letter * 64}" for letter in "ab")
SERVICES = "staging-allthrive-services"


@pytest.fixture(name="target")
def _target() -> Target:
    """Returns AllThrive's staging, with the parameters and outputs that a release reads, and running services."""
    target = Target(load("allthrive"), "staging")
    _stack(target.stack("edge"), {}, _site())
    _services(target)
    counts = {
        names.count_parameter(name): str(service.count)
        for name, service in target.product.services_in("staging").items()
        if service.scaling
    }
    released = {"BackendImage": OLD, names.MIGRATION_PARAMETER: OLD, names.VERSION_PARAMETER: "1.0.0"}
    _stack(target.stack("services"), {**released, **counts, "Unrelated": "kept"}, {})
    return target


def _services(target: Target) -> None:
    """Creates the services that scale, each with four tasks."""
    ecs, cluster = boto3.client("ecs"), names.cluster("staging", "allthrive")
    ecs.create_cluster(clusterName=cluster)
    container = {"name": "web", "image": OLD, "memory": 512}
    ecs.register_task_definition(family="web", containerDefinitions=[container])
    for name, service in target.product.services_in("staging").items():
        if service.scaling:
            physical = names.service("staging", "allthrive", name)
            ecs.create_service(cluster=cluster, serviceName=physical, taskDefinition="web", desiredCount=4)


def _stack(name: str, parameters: dict[str, str], outputs: dict[str, str]) -> None:
    """Creates a stack whose resource changes with its parameters."""
    value: Any = {"Fn::Join": [" ", [name, *({"Ref": key} for key in parameters)]]}
    properties = {"Name": f"/{name}", "Type": "String"}
    template = {
        "Parameters": {key: {"Type": "String"} for key in parameters},
        "Resources": {"Release": {"Type": "AWS::SSM::Parameter", "Properties": {**properties, "Value": value}}},
        "Outputs": {key: {"Value": text} for key, text in outputs.items()},
    }
    given = [{"ParameterKey": key, "ParameterValue": text} for key, text in parameters.items()]
    boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template), Parameters=given)


def _site() -> dict[str, str]:
    """Creates a bucket and a distribution, and returns their outputs."""
    boto3.client("s3").create_bucket(Bucket="site")
    config = {
        "CallerReference": "one",
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "example.com", "CustomOriginConfig": ORIGIN}]},
        "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only", "CachePolicyId": "c"},
    }
    made = boto3.client("cloudfront").create_distribution(DistributionConfig=config)["Distribution"]
    return {"SiteBucketName": "site", "DistributionId": made["Id"]}


def _parameters() -> dict[str, str]:
    [stack] = boto3.client("cloudformation").describe_stacks(StackName=SERVICES)["Stacks"]
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack["Parameters"]}


def test_a_release_changes_its_parameters_and_keeps_the_others(target: Target) -> None:
    services.deploy(target, "1.1.0", {"backend": NEW})

    found = _parameters()
    assert (found["BackendImage"], found[names.MIGRATION_PARAMETER], found["Unrelated"]) == (NEW, NEW, "kept")
    assert found[names.VERSION_PARAMETER] == "1.1.0"
    assert found[names.count_parameter("web")] == "4"


def test_before_a_deployment_only_the_migration_gets_the_new_image(target: Target) -> None:
    services.offer_migration(target, NEW)

    assert (_parameters()["BackendImage"], _parameters()[names.MIGRATION_PARAMETER]) == (OLD, NEW)


def test_a_release_that_runs_already_is_a_success(target: Target) -> None:
    for _ in range(2):
        services.deploy(target, "1.1.0", {"backend": NEW})

    assert _parameters()["BackendImage"] == NEW


def test_an_environment_that_was_never_deployed_is_named() -> None:
    with pytest.raises(ReleaseError, match=r"staging-allthrive-services.*deploy"):
        services.offer_migration(Target(load("allthrive"), "staging"), NEW)


def test_an_image_in_use_gets_its_tags_once(target: Target) -> None:
    registry, image = Registry(target.product), pushed("allthrive/backend", "a")
    digest = image.partition("@")[2]

    for _ in range(2):
        registry.protect("backend", digest, "staging", "running")

    expected = {names.in_use_tag("staging", "running"), f"{names.ENTERED_TAG}{digest.removeprefix('sha256:')[:12]}"}
    assert expected <= tags(image)


def test_the_files_of_a_site_are_published_and_old_ones_deleted(target: Target, tmp_path: Path) -> None:
    def publish(release: str, script: str) -> list[str]:
        folder = tmp_path / release / "dist"
        (folder / "assets").mkdir(parents=True)
        (folder / "index.html").write_text(f'<script src="/assets/{script}"></script>')
        (folder / "assets" / script).write_text(release)
        return frontend.publish(target, frontend.Site(folder, folder.parent), release, 1)

    # Both lists are written in one second, the unit of S3's times: the first name counts as the newest.
    publish("older", "index-AAAAAAAA.js")
    paths = publish("newer", "index-BBBBBBBB.js")

    listed = boto3.client("s3").list_objects_v2(Bucket="site")["Contents"]
    names_in_bucket = {entry["Key"] for entry in listed}
    assert {"index.html", "assets/index-BBBBBBBB.js"} <= names_in_bucket
    assert "assets/index-AAAAAAAA.js" not in names_in_bucket
    assert "/index.html" in paths
    assert boto3.client("s3").head_object(Bucket="site", Key="index.html")["CacheControl"] == "no-cache"
