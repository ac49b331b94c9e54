"""`slipway doctor` against moto: an AWS that we did not write understands its questions, and it the answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from slipway_cli.doctor.asking import ask
from slipway_cli.doctor.command import places
from slipway_cli.doctor.model import Finding
from slipway_cli.doctor.registry import CHECKS
from slipway_cli.doctor.scene import Scene
from tests.moto.conftest import ACCOUNT, REGION
from tests.support.manifests import product
from tests.support.on_hosts import compose

UNSUPPORTED = {
    "connection to GitHub": "moto has no CodeConnections",
    "quota: elastic IPs": "moto's Service Quotas know those of VPC only",
    "quota: Fargate vCPUs": "as above",
    "quota: CloudFront distributions": "as above",
    "quota: vCPUs of EC2 instances": "as above",
    "quota: builds": "as above",
}
"""Checks that moto cannot answer, with the reason."""
BOUNDARY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


def scene(changes: Mapping[str, Any] | None = None) -> Scene:
    """Returns AllThrive's tooling and staging in moto's account."""
    connection = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/0f1e2d3c-0000-4000-8000-000000000000"
    parts = ("tooling", "environments.staging", "environments.production")
    own = {**{f"{part}.account": ACCOUNT for part in parts}, "pipeline.connection": connection}
    found = product({**own, **(changes or {})})
    [place] = places(found, ["tooling", "staging"])
    return Scene(found, place)


def findings(asked: Scene, name: str) -> dict[str, Finding]:
    """Returns the findings of one check by their names."""
    return {finding.check: finding for check in CHECKS if check.name == name for finding in check.ask(asked)}


def test_only_what_moto_lacks_is_unknown() -> None:
    found = ask(scene(), CHECKS)
    policies = {
        "policies of CloudFormation's role",
        "permissions boundary",
    }  # this account has none in policy/execution
    unknown = {finding.check for finding in found if finding.result == "unknown"} - policies
    assert unknown == set(UNSUPPORTED) - {"quota: vCPUs of EC2 instances"}
    assert all("\n" not in finding.detail and "<" not in finding.detail for finding in found)


def test_a_bootstrapped_region_is_found() -> None:
    boto3.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="33", Type="String")
    assert findings(scene(), "bootstrap")["bootstrap"].detail == "version 33"


def test_policies_are_compared(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("policies")
    (folder / ACCOUNT).mkdir()
    (folder / ACCOUNT / "slipway-boundary.json").write_text(json.dumps(BOUNDARY))
    (folder / ACCOUNT / "slipway-execution-1.json").write_text(json.dumps(BOUNDARY))
    iam = boto3.client("iam")
    role = f"cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}"
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
    for name in ("slipway-boundary", "slipway-execution-1"):
        arn = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(BOUNDARY))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    asked = scene()
    asked = Scene(asked.product, asked.place, folder)
    assert findings(asked, "permissions boundary")["permissions boundary"].result == "ok"
    assert findings(asked, "policies of CloudFormation's role")["policies of CloudFormation's role"].result == "ok"


def test_the_provider_of_githubs_tokens_is_found() -> None:
    boto3.client("iam").create_open_id_connect_provider(
        Url="https://token.actions.githubusercontent.com", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40]
    )
    assert findings(scene(), "OIDC provider of GitHub")["OIDC provider of GitHub"].result == "missing"
    existing = scene({"tooling.oidc_provider": "existing"})
    assert findings(existing, "OIDC provider of GitHub")["OIDC provider of GitHub"].result == "ok"


def test_secrets_without_a_value_are_found() -> None:
    secrets, name = boto3.client("secretsmanager"), "allthrive/github"
    secrets.create_secret(Name=name)
    assert "has no value" in findings(scene(), "secrets")[f"secret {name}"].detail
    secrets.put_secret_value(SecretId=name, SecretString="x")
    assert findings(scene(), "secrets")[f"secret {name}"].result == "ok"
    secrets.delete_secret(SecretId=name)
    assert "scheduled for deletion" in findings(scene(), "secrets")[f"secret {name}"].detail


def test_a_key_that_can_sign_is_found() -> None:
    arn = boto3.client("kms").create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"]["Arn"]
    asked = scene({"pipeline.github": {"secret": "allthrive/github", "app_key_arn": arn}})
    assert findings(asked, "key of the GitHub App")["key of the GitHub App"].result == "ok"


def test_a_pending_certificate_is_found() -> None:
    domain = "staging.shop.example"
    arn = boto3.client("acm").request_certificate(DomainName=domain, ValidationMethod="DNS")["CertificateArn"]
    asked = scene({"environments.staging.edge": {"domain": {"name": domain, "certificate_arn": arn}}})
    found = findings(asked, "certificates")["certificate of staging"]
    assert found.detail == "is PENDING_VALIDATION"
    assert " CNAME " in found.fix


def test_zones_types_and_vpcs_of_a_region_are_found() -> None:
    hosts = compose({"account": ACCOUNT})
    [place] = places(hosts, ["staging"])
    asked = Scene(hosts, place)
    assert findings(asked, "instance types")["instance type of staging"].result == "ok"
    assert findings(asked, "zones")["zones of staging"].result == "ok"
    assert findings(asked, "quota: VPCs")["quota: VPCs"].detail == "1 needed and 1 in use of 5"


def test_an_image_names_its_architecture() -> None:
    ecr = boto3.client("ecr")
    ecr.create_repository(repositoryName="allthrive/backend")
    digest = f"sha256:{'0' * 64}"
    media = "application/vnd.oci.image.index.v1+json"
    entry = {"digest": digest, "size": 2, "platform": {"os": "linux", "architecture": "amd64"}}
    manifest = {"schemaVersion": 2, "mediaType": media, "manifests": [entry]}
    ecr.put_image(
        repositoryName="allthrive/backend",
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=media,
        imageTag="in-use-staging-running",
    )
    found = findings(scene(), "images")["image backend in staging"]
    assert found.detail == "built for amd64, the manifest says arm64"


def test_a_subscription_and_the_stack_with_its_topic_are_found() -> None:
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    boto3.client("cloudformation").create_stack(
        StackName="tooling-allthrive-delivery", TemplateBody=json.dumps(template)
    )
    assert findings(scene(), "e-mail")["e-mail of tooling"].detail == "ops@allthrive.ai is not subscribed"
    assert findings(scene(), "stacks")["stacks"].detail == "1 deployed, none blocks a deployment"
