"""`slipway prepare` creates what no stack can create, and finds nothing to do the second time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from localcloud import process
from localcloud.testing.plain import ACCOUNT, REGION, free_port, plain
from policy.execution.account import HOME
from products import Product, load
from slipway_cli import cloud
from slipway_cli.doctor.bootstrap import CHECKS
from slipway_cli.doctor.command import places, with_profile
from slipway_cli.doctor.model import Place
from slipway_cli.doctor.scene import Scene
from slipway_cli.errors import CommandError
from slipway_cli.prepare import cdk, command, secrets
from tests.slipway_cli.doctor.conftest import Account, account
from tests.slipway_cli.doctor.findings import ok

__all__ = ["account", "plain"]

pytestmark = pytest.mark.local


@pytest.fixture(name="empty", scope="module")
def _empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[cloud.Cloud]:
    """Yields a cloud of its own, since policies are of the whole account of the manifests."""
    settings = replace(cloud.OURS, port=free_port(), state=tmp_path_factory.mktemp("cloud"), docker=False)
    process.start(settings)
    yield cloud.Cloud(local=settings)
    process.stop(settings)


@pytest.mark.slow
def test_an_account_is_bootstrapped_without_an_administrator(empty: cloud.Cloud) -> None:
    product, said = load("allthrive"), list[str]()
    no = command.Terminal(said.append, lambda _: False, None)
    yes = command.Terminal(said.append, lambda _: True, None)

    assert command.prepare(empty, product, ["staging"], no) is False
    assert _policies(empty) == {}  # nothing was created before the user agreed

    assert command.prepare(empty, product, ["staging"], yes) is True
    findings = [finding for check in CHECKS for finding in check.ask(_scene(empty, product))]
    assert set(ok(findings)) == {"bootstrap", "policies of CloudFormation's role", "permissions boundary"}
    made = _policies(empty)
    assert set(made) == {path.stem for path in (HOME / ACCOUNT).glob("*.json")}

    assert command.prepare(empty, product, ["staging"], yes) is True
    assert _policies(empty) == made  # no policy has a new version
    assert said[-1].endswith("doctor staging")
    assert not any("has changed" in line for line in said)  # policy/execution is up to date with the manifests


@pytest.mark.slow
def test_an_environments_account_trusts_the_toolings(empty: cloud.Cloud, tmp_path: Path) -> None:
    assert empty.local is not None
    other = "444455556666"
    empty.enter(other, REGION)
    cdk.bootstrap(other, REGION, ["arn:aws:iam::aws:policy/ReadOnlyAccess"], ACCOUNT, tmp_path)
    iam = Scene(load("allthrive"), Place(other, REGION, ())).client("iam")
    role = iam.get_role(RoleName=f"cdk-hnb659fds-deploy-role-{other}-{REGION}")["Role"]
    assert ACCOUNT in json.dumps(role["AssumeRolePolicyDocument"])


def test_a_failure_of_the_cdk_shows_the_end_of_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cdk synth failed with exit code") as failed:
        cdk.synth("nosuchproduct", tmp_path)
    assert "nosuchproduct" in str(failed.value)
    assert failed.value.then == "npx cdk synth -q -c product=nosuchproduct"


def test_missing_secrets_are_asked_for_and_created(account: Account) -> None:
    scene = account.scene("staging", {"secrets": SECRETS})
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return f"value {len(asked)}"

    said: list[str] = []
    secrets.create(scene, ask, said.append)

    assert asked == ["shop/keys, key mail: ", "shop/keys, key maps: ", "shop/openai: "]
    values = account.client("secretsmanager")
    assert json.loads(values.get_secret_value(SecretId="shop/keys")["SecretString"]) == {
        "mail": "value 1",
        "maps": "value 2",
    }
    assert values.get_secret_value(SecretId="shop/openai")["SecretString"] == "value 3"
    assert said == ["secret shop/keys: created", "secret shop/openai: created"]

    secrets.create(scene, ask, said.append)
    assert len(asked) == 3  # what exists is not asked for, and not changed


def test_credentials_of_no_account_of_the_product_are_refused() -> None:
    elsewhere = cloud.Cloud(account="999988887777")
    terminal = command.Terminal(lambda _: None, lambda _: True, None)
    with pytest.raises(CommandError, match="the credentials are those of AWS account 999988887777"):
        command.prepare(elsewhere, load("allthrive"), ["tooling", "production"], terminal)


def test_an_account_of_other_credentials_is_left_out_and_named(account: Account) -> None:
    said: list[str] = []
    no = command.Terminal(said.append, lambda _: False, None)
    product = account.product({"tooling.account": "999988887777", "pipeline": None})
    listed = places(product, ["tooling", "staging"])
    mine = cloud.Cloud(account=account.id)

    assert [place.parts for place in listed if mine.reaches(place.account)] == [("staging",)]
    assert with_profile(listed[0], "prepare").partition(" slipway ")[2].startswith("prepare tooling")
    assert command.prepare(mine, product, ["tooling", "staging"], no) is False
    assert said[0] == f"AWS account {account.id}, us-east-1"  # and not the tooling's, which comes first


SECRETS = {
    "OPENAI_API_KEY": {"name": "shop/openai"},
    "MAIL_KEY": {"name": "shop/keys", "key": "mail"},
    "MAPS_KEY": {"name": "shop/keys", "key": "maps"},
}


@pytest.mark.parametrize(("interactive", "line"), [(True, "skipped"), (False, "there is no terminal")])
def test_a_secret_without_an_answer_is_not_created(account: Account, line: str, *, interactive: bool) -> None:
    scene, said = account.scene("staging", {"secrets": SECRETS}), list[str]()
    secrets.create(scene, (lambda _: "") if interactive else None, said.append)
    assert all(line in text for text in said)
    assert account.client("secretsmanager").list_secrets()["SecretList"] == []


def test_policies_of_an_account_are_written_once(tmp_path: Path) -> None:
    old = tmp_path / ACCOUNT / "slipway-execution-9.json"
    old.parent.mkdir()
    old.write_text("{}")
    assert command.write(ACCOUNT, {"slipway-boundary": "{}\n"}, tmp_path) is True
    assert [path.name for path in old.parent.iterdir()] == ["slipway-boundary.json"]
    assert command.write(ACCOUNT, {"slipway-boundary": "{}\n"}, tmp_path) is False


def _scene(place: cloud.Cloud, product: Product) -> Scene:
    place.enter(ACCOUNT, REGION)
    return Scene(product, Place(ACCOUNT, REGION, ("staging",)))


def _policies(place: cloud.Cloud) -> dict[str, str]:
    """Returns the default versions of the account's own policies, by name."""
    place.enter(ACCOUNT, REGION)
    iam = Scene(load("allthrive"), Place(ACCOUNT, REGION, ())).client("iam")
    listed = iam.list_policies(Scope="Local")["Policies"]
    return {policy["PolicyName"]: policy["DefaultVersionId"] for policy in listed}
