"""An environment on MicroK8s: its stack, and what the other stacks know of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.on_kubernetes import product
from tests.support.synthesis import Json, Synthesis, listed, statements

STACK = "production-shop-kubernetes"


@pytest.fixture(scope="module")
def shop() -> Synthesis:
    return Synthesis(product())


def configuration(app: Synthesis) -> Any:
    """Returns the host's configuration, with the logical ids in place of what only AWS knows."""
    value = app.resource("AWS::SSM::Parameter", STACK)["Value"]
    return json.loads("".join(part if isinstance(part, str) else _name(part) for part in value["Fn::Join"][1]))


def _name(reference: Json) -> str:
    (value,) = reference.values()
    return str(value[0] if isinstance(value, list) else value)


def test_the_host_applies_the_manifests_of_its_environment(shop: Synthesis) -> None:
    found = configuration(shop)

    assert {key: found[key] for key in ("target", "objects", "namespace", "deployment", "container", "image")} == {
        "target": "kubernetes",
        "objects": "kubernetes/production.json",
        "namespace": "shop",
        "deployment": "django-app",
        "container": "django-container",
        "image": "app",
    }
    assert found["migration"] == {"command": ["python", "manage.py", "migrate"], "timeout_seconds": 180}
    assert found["verify"] == {"port": 80, "path": "/status/", "tries": 12, "pause_seconds": 5, "host": "shop.example"}


def test_values_are_texts_images_and_names_of_secrets(shop: Synthesis) -> None:
    found = configuration(shop)
    config, secrets = dict(found["config"]), dict(found["secrets"])

    assert config == {
        "LOG_LEVEL": ["WARNING"],
        "SITE": ["https://", "shop.example"],
        "RELEASE_VERSION": [{"release": "version"}],
        "RELEASE_IMAGE": [{"image": "app"}],
    }
    assert secrets["MAIL_KEY"] == [
        {"secret": "arn:aws:secretsmanager:us-east-1:111122223333:secret:shop/mail", "key": "api"}
    ]
    assert {part["key"] for part in secrets["DATABASE_URL"] if isinstance(part, dict)} >= {"username", "password"}


def test_the_host_is_ubuntu_with_microk8s_from_a_channel_whose_refreshes_are_held(shop: Synthesis) -> None:
    template = shop[STACK]
    (image,) = [
        found["Default"] for found in template["Parameters"].values() if "canonical" in str(found.get("Default"))
    ]
    assert image == "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id"
    data = shop.resource("AWS::EC2::LaunchTemplate", STACK)["LaunchTemplateData"]
    script = "".join(part for part in data["UserData"]["Fn::Base64"]["Fn::Join"][1] if isinstance(part, str))
    assert "MICROK8S='1.34/stable'" in script
    assert "snap refresh --hold microk8s" in script
    assert data["InstanceType"] == "t4g.large"
    assert data["BlockDeviceMappings"][0]["DeviceName"] == "/dev/sda1"
    assert data["MetadataOptions"] == {"HttpPutResponseHopLimit": 1, "HttpTokens": "required"}
    assert "KeyName" not in data


def test_the_load_balancer_asks_the_ingress_of_the_only_host(shop: Synthesis) -> None:
    group = shop.resource("AWS::ElasticLoadBalancingV2::TargetGroup", STACK)

    assert (group["Port"], group["TargetType"], group["HealthCheckPath"]) == (80, "instance", "/health/")
    scaled = shop.resource("AWS::AutoScaling::AutoScalingGroup", STACK)
    assert (scaled["MinSize"], scaled["MaxSize"]) == ("1", "1")


def test_the_host_reads_only_the_secrets_in_its_configuration(shop: Synthesis) -> None:
    readable = [
        resource
        for place, statement in statements(shop[STACK])
        if place.startswith("Role") and statement.get("Sid") == "ReadSecrets"
        for resource in listed(statement["Resource"])
    ]

    assert len(readable) == 3  # the mail key, Django's key, and the database's login


def test_the_document_finds_programs_of_snaps(shop: Synthesis) -> None:
    content = shop.resource("AWS::SSM::Document", STACK)["Content"]

    assert "export PATH=$PATH:/snap/bin" in content["mainSteps"][0]["inputs"]["runCommand"]


def test_the_pipeline_builds_the_manifests_and_gives_them_to_the_environment(shop: Synthesis) -> None:
    (pipeline,) = shop.resources("AWS::CodePipeline::Pipeline").values()
    actions = {
        f"{stage['Name']}/{action['Name']}": action
        for stage in pipeline["Properties"]["Stages"]
        for action in stage["Actions"]
    }

    assert "Publish/Compose" not in actions
    assert actions["Publish/Manifests"]["OutputArtifacts"] == [{"Name": "Manifests"}]
    assert actions["Production/Deploy"]["InputArtifacts"] == [{"Name": "Manifests"}]
    order = ["Production/Migrate", "Production/Deploy", "Production/Verify"]
    assert [name for name in actions if name.startswith("Production/")] == order
    parameters = json.dumps(actions["Production/Deploy"]["Configuration"]["UserParameters"])
    assert "#{PublishManifests.MANIFESTS}" in parameters


def test_ubuntus_packages_come_over_http(shop: Synthesis) -> None:
    groups = shop.resources("AWS::EC2::SecurityGroup", "production-shop-network").values()
    allowed = {rule["FromPort"] for group in groups for rule in group["Properties"].get("SecurityGroupEgress", [])}

    assert {80, 443} <= allowed
