"""products/schema.json, which editors complete manifests with."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from cfnlint.jsonschema import StandardValidator

from paths import MANIFESTS
from products.schema import PATH, schema
from tests.support.manifests import manifest

SHIPPED = sorted(MANIFESTS.glob("*.yaml"))


def errors(data: Any) -> list[str]:
    return [error.message for error in StandardValidator(schema=json.loads(schema())).iter_errors(data)]


def test_is_what_the_model_says() -> None:
    assert PATH.read_text(encoding="utf-8") == schema(), "products/schema.json is stale: type `make schema`"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_takes_every_shipped_manifest(path: Any) -> None:
    assert errors(yaml.safe_load(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_is_named_by_every_shipped_manifest(path: Any) -> None:
    assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=schema.json\n")


@pytest.mark.parametrize(
    "changes",
    [
        {"services.web.prot": 1},
        {"services.web.count": "two"},
        {"environments.staging.network.nat": "gatway"},
        {"tooling.account": "12"},
    ],
    ids=["unknown key", "wrong type", "no such choice", "no account"],
)
def test_refuses_what_an_editor_should_underline(changes: dict[str, Any]) -> None:
    assert errors(manifest(changes))


def test_explains_the_keys() -> None:
    assert "Never two at once" in json.loads(schema())["$defs"]["Service"]["properties"]["singleton"]["description"]
