"""A checkout that cannot be deployed stops the first builds of the flow `infrastructure`, which say what to type."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import builds.run

VERSION = "2.1148.1"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "platform"
    (folder / "products").mkdir(parents=True)
    (folder / "cdk.json").write_text("{}", encoding="utf-8")
    (folder / "products" / "shop.yaml").write_text("name: shop\n", encoding="utf-8")
    pinned = {"packages": {"node_modules/aws-cdk": {"version": VERSION}}}
    (folder / "package-lock.json").write_text(json.dumps(pinned), encoding="utf-8")
    return tmp_path


def check(source: Path, **variables: str) -> builds.run.Result:
    given = {"PRODUCT": "shop", "DIRECTORY": "platform", "CDK_VERSION": VERSION, "COMMAND": "cat products/shop.yaml"}
    return builds.run.run("infrastructure-check", source, {**given, **variables}, quiet=True)


def test_the_checks_run_in_the_folder_of_the_checkout_without_credentials(checkout: Path) -> None:
    found = check(checkout, COMMAND='cat products/shop.yaml; echo "key: ${AWS_SECRET_ACCESS_KEY:-none}"')

    assert found.succeeded, found.output
    assert "name: shop" in found.output
    assert "key: none" in found.output


def test_a_failed_check_says_what_to_type_on_a_laptop(checkout: Path) -> None:
    found = check(checkout, COMMAND="false")

    assert not found.succeeded
    assert "FAILED: false failed." in found.output
    assert "on your machine: false" in found.output


@pytest.mark.parametrize(
    ("removed", "said"),
    [
        ("cdk.json", "Set pipeline.infrastructure.directory in products/shop.yaml to the folder"),
        ("products/shop.yaml", "unknown product: this commit has no products/shop.yaml. Restore it."),
        ("package-lock.json", "git checkout main -- package-lock.json"),
    ],
)
def test_a_file_that_is_missing_is_named_with_what_to_do(checkout: Path, removed: str, said: str) -> None:
    (checkout / "platform" / removed).unlink()

    found = check(checkout)

    assert not found.succeeded
    assert said in found.output


def test_a_folder_that_does_not_exist_is_named_with_its_key(checkout: Path) -> None:
    found = check(checkout, DIRECTORY="elsewhere")

    assert not found.succeeded
    assert "no folder elsewhere. Correct pipeline.infrastructure.directory in products/shop.yaml" in found.output


def test_another_version_of_the_cdk_s_cli_asks_a_person_to_deploy_the_tooling(checkout: Path) -> None:
    found = check(checkout, CDK_VERSION="2.1000.0")

    assert not found.succeeded
    assert f"pins the CDK CLI {VERSION}, and this pipeline deploys with 2.1000.0" in found.output
    assert "npx cdk deploy 'tooling/*' -c product=shop; then: slipway start infrastructure" in found.output
