"""Each check of what bootstrap and an operator create once per account fails once, and passes once."""

from __future__ import annotations

import json

import pytest

from slipway_cli.doctor.bootstrap import QUALIFIER
from tests.slipway_cli.doctor.conftest import REGION, Account
from tests.slipway_cli.doctor.findings import check, missing, ok

pytestmark = pytest.mark.local

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
ALLOWED = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
OTHER = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
PROVIDER = "https://token.actions.githubusercontent.com"


def expect(account: Account, *names: str) -> None:
    """Writes the policies that the account should have."""
    (account.policies / account.id).mkdir(parents=True)
    for name in names:
        (account.policies / account.id / f"{name}.json").write_text(json.dumps(ALLOWED, indent=2))


def execution_role(account: Account, *policies: str) -> None:
    """Creates the role of CloudFormation, with policies that are in the account or AWS's."""
    iam, name = account.client("iam"), f"cdk-{QUALIFIER}-cfn-exec-role-{account.id}-{REGION}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    for policy in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=policy)


def made(account: Account, name: str, document: object = ALLOWED) -> str:
    """Creates a policy, and returns its ARN."""
    created = account.client("iam").create_policy(PolicyName=name, PolicyDocument=json.dumps(document))
    return str(created["Policy"]["Arn"])


def test_a_bootstrapped_region_has_a_version(account: Account) -> None:
    name = f"/cdk-bootstrap/{QUALIFIER}/version"
    assert "slipway prepare" in missing(account.ask(check("bootstrap"), "staging")).fix

    account.client("ssm").put_parameter(Name=name, Value="5", Type="String")
    assert missing(account.ask(check("bootstrap"), "staging")).detail == "version 5, this CDK needs 6"

    account.client("ssm").put_parameter(Name=name, Value="33", Type="String", Overwrite=True)
    assert ok(account.ask(check("bootstrap"), "staging")) == {"bootstrap": "version 33"}


def test_the_role_of_cloudformation_must_not_be_an_administrator(account: Account) -> None:
    asked = check("policies of CloudFormation's role")
    expect(account, "slipway-execution-1")
    assert "does not exist" in missing(account.ask(asked, "staging")).detail

    execution_role(account, "arn:aws:iam::aws:policy/AdministratorAccess")
    found = missing(account.ask(asked, "staging"))
    assert found.detail == "has AdministratorAccess and lacks slipway-execution-1"


def test_the_policies_of_cloudformation_must_be_those_of_the_templates(account: Account) -> None:
    asked = check("policies of CloudFormation's role")
    expect(account, "slipway-execution-1", "slipway-execution-2")
    execution_role(account, made(account, "slipway-execution-1"), made(account, "slipway-execution-2", OTHER))
    assert "slipway-execution-2: not as in" in missing(account.ask(asked, "staging")).detail

    arn = f"arn:aws:iam::{account.id}:policy/slipway-execution-2"
    account.client("iam").create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(ALLOWED), SetAsDefault=True)
    assert ok(account.ask(asked, "staging"))[asked.name].startswith("2 policies")


@pytest.mark.parametrize("name", ["policies of CloudFormation's role", "permissions boundary"])
def test_without_computed_policies_nothing_can_be_compared(account: Account, name: str) -> None:
    [found] = account.ask(check(name), "staging")
    assert (found.result, found.fix) == ("unknown", "make snapshots docs")


def test_the_boundary_must_exist_as_it_was_computed(account: Account) -> None:
    asked = check("permissions boundary")
    expect(account, "slipway-boundary")
    assert "every role needs it" in missing(account.ask(asked, "staging")).detail

    arn = made(account, "slipway-boundary", OTHER)
    assert "is not as in" in missing(account.ask(asked, "staging")).detail

    account.client("iam").create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(ALLOWED), SetAsDefault=True)
    assert ok(account.ask(asked, "staging")) == {asked.name: "slipway-boundary"}


def test_the_connection_must_exist_and_be_authorized(account: Account) -> None:
    asked, codeconnections = check("connection to GitHub"), account.client("codeconnections")
    found = missing(account.ask(asked, "tooling"))
    assert "does not exist" in found.detail
    assert "create-connection --provider-type GitHub --connection-name allthrive" in found.fix

    arn = codeconnections.create_connection(ProviderType="GitHub", ConnectionName="mine")["ConnectionArn"]
    found = missing(account.ask(asked, "tooling", {"pipeline.connection": arn}))
    assert found.detail == "mine is PENDING"
    assert "Update pending connection" in found.fix

    template = {"ConnectionName": "authorized", "ProviderType": "GitHub"}
    arn = account.deploy("connection", Made=("AWS::CodeConnections::Connection", template))["Made"]
    assert ok(account.ask(asked, "tooling", {"pipeline.connection": arn})) == {asked.name: "authorized is AVAILABLE"}
    assert account.ask(asked, "staging") == []


def test_a_connection_of_another_region_cannot_be_used(account: Account) -> None:
    arn = f"arn:aws:codeconnections:eu-west-1:{account.id}:connection/0f1e2d3c-0000-4000-8000-000000000000"
    found = missing(account.ask(check("connection to GitHub"), "tooling", {"pipeline.connection": arn}))
    assert "is not in the tooling's account and region" in found.detail


def test_an_account_has_only_one_provider_of_githubs_tokens(account: Account) -> None:
    asked, existing = check("OIDC provider of GitHub"), {"tooling.oidc_provider": "existing"}
    assert ok(account.ask(asked, "tooling")) == {asked.name: "will be created by the Identity stack"}
    assert missing(account.ask(asked, "tooling", existing)).fix == "write tooling.oidc_provider: create"

    account.client("iam").create_open_id_connect_provider(Url=PROVIDER, ClientIDList=["sts.amazonaws.com"])

    assert missing(account.ask(asked, "tooling")).fix == "write tooling.oidc_provider: existing"
    assert ok(account.ask(asked, "tooling", existing)) == {asked.name: "exists"}


def test_the_provider_of_our_own_stack_is_not_in_the_way(account: Account) -> None:
    made = {"Url": PROVIDER, "ClientIdList": ["sts.amazonaws.com"]}
    account.deploy("tooling-allthrive-identity", GitHub=("AWS::IAM::OIDCProvider", made))
    assert ok(account.ask(check("OIDC provider of GitHub"), "tooling")) == {"OIDC provider of GitHub": "exists"}


def test_a_named_secret_must_exist_have_a_value_and_stay(account: Account) -> None:
    asked, secrets = check("secrets"), account.client("secretsmanager")
    named = {"secrets": {"OPENAI_API_KEY": {"name": "allthrive/openai", "key": "token"}}}
    found = missing(account.ask(asked, "staging", named))
    assert (found.check, found.detail) == ("secret allthrive/openai", "does not exist (secrets.OPENAI_API_KEY)")
    assert "create-secret --name allthrive/openai" in found.fix

    secrets.create_secret(Name="allthrive/openai")
    assert "has no value" in missing(account.ask(asked, "staging", named)).detail

    secrets.put_secret_value(SecretId="allthrive/openai", SecretString='{"token": "x"}')
    assert ok(account.ask(asked, "staging", named)) == {
        "secret allthrive/openai": "has a value (secrets.OPENAI_API_KEY)"
    }

    secrets.delete_secret(SecretId="allthrive/openai", RecoveryWindowInDays=7)
    found = missing(account.ask(asked, "staging", named))
    assert "scheduled for deletion" in found.detail
    assert "restore-secret" in found.fix


def test_every_secret_of_the_manifest_is_looked_at(account: Account) -> None:
    changes = {
        "images.backend.build_secrets": {"pip_token": {"name": "shared/packages", "key": "pip"}},
        "frontend.secrets": {"NPM_TOKEN": {"name": "shared/packages", "key": "npm"}},
        "pipeline.checks.backend.secrets": {"PIP_INDEX_URL": {"name": "shared/index"}},
        "pipeline.notifications.slack_secret": "shared/slack",
        "pipeline.notifications.discord_secret": "shared/discord",
        "secrets": {"OPENAI_API_KEY": {"name": "only/environments"}},
    }
    found = {finding.check: finding.detail for finding in account.ask(check("secrets"), "tooling", changes)}
    assert set(found) == {
        "secret allthrive/github",
        "secret shared/discord",
        "secret shared/index",
        "secret shared/packages",
        "secret shared/slack",
    }
    assert "images.backend.build_secrets.pip_token, frontend.secrets.NPM_TOKEN" in found["secret shared/packages"]


def test_the_key_of_the_github_app_must_be_able_to_sign(account: Account) -> None:
    asked, kms = check("key of the GitHub App"), account.client("kms")

    def pipeline(arn: str) -> dict[str, object]:
        return {"pipeline.github": {"secret": "allthrive/github", "app_key_arn": arn}}

    absent = f"arn:aws:kms:{REGION}:{account.id}:key/0f1e2d3c-0000-4000-8000-000000000000"
    assert "does not exist" in missing(account.ask(asked, "tooling", pipeline(absent))).detail

    symmetric = kms.create_key()["KeyMetadata"]["Arn"]
    assert "not RSA for SIGN_VERIFY" in missing(account.ask(asked, "tooling", pipeline(symmetric))).detail

    signing = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"]["Arn"]
    assert ok(account.ask(asked, "tooling", pipeline(signing))) == {asked.name: "RSA_2048, enabled"}

    kms.disable_key(KeyId=signing)
    assert "enable-key" in missing(account.ask(asked, "tooling", pipeline(signing))).fix
