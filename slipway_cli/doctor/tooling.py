"""Checks of the tooling account: the connection to GitHub, and the OIDC provider of GitHub's tokens."""

from __future__ import annotations

from collections.abc import Iterator

from slipway_cli.doctor.model import TOOLING, Finding, missing, ok
from slipway_cli.doctor.scene import Check, Scene, none_if

_ISSUER = "token.actions.githubusercontent.com"


def _connection(scene: Scene) -> Iterator[Finding]:
    pipeline = scene.product.pipeline
    if not scene.tooling or pipeline is None:
        return
    arn, check = pipeline.connection, "connection to GitHub"
    service, region, account = arn.split(":")[2:5]
    if (account, region) != (scene.account, scene.region):
        detail = f"{arn} is not in the tooling's account and region"
        yield missing(check, detail, "write one of this account and region in pipeline.connection")
        return
    answer = none_if({"ResourceNotFoundException"}, scene.client(service).get_connection, ConnectionArn=arn)
    if answer is None:
        fix = (
            f"aws codeconnections create-connection --provider-type GitHub --connection-name {scene.product.name} "
            f"--region {region}, then write its ARN in pipeline.connection"
        )
        yield missing(check, f"{arn} does not exist", fix)
        return
    connection = answer["Connection"]
    if connection["ConnectionStatus"] == "AVAILABLE":
        yield ok(check, f"{connection['ConnectionName']} is AVAILABLE")
        return
    console = f"https://{region}.console.aws.amazon.com/codesuite/settings/connections?region={region}"
    fix = f"open {console}, choose {connection['ConnectionName']}, Update pending connection"
    yield missing(check, f"{connection['ConnectionName']} is {connection['ConnectionStatus']}", fix)


def _provider(scene: Scene) -> Iterator[Finding]:
    if not scene.tooling:
        return
    listed = scene.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    exists = any(provider["Arn"].partition("oidc-provider/")[2] == _ISSUER for provider in listed)
    existing = scene.product.tooling.oidc_provider == "existing"
    ours = bool(scene.resources(TOOLING, "identity", "AWS::IAM::OIDCProvider"))
    check = "OIDC provider of GitHub"
    if exists and not existing and not ours:
        detail = "the account has one already, and can have only one"
        yield missing(check, detail, "write tooling.oidc_provider: existing")
    elif not exists and (existing or ours):
        deploy = f"npx cdk deploy tooling/Identity -c product={scene.product.name}"
        fix = "write tooling.oidc_provider: create" if existing else deploy
        yield missing(check, "the account has none", fix)
    else:
        yield ok(check, "exists" if exists else "will be created by the Identity stack")


CHECKS = (Check("connection to GitHub", _connection), Check("OIDC provider of GitHub", _provider))
