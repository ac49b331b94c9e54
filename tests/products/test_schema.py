"""products/schema.json, with which editors complete manifests."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from paths import MANIFESTS
from products.schema import PATH, schema
from tests.support.manifests import manifest

SHIPPED = sorted(MANIFESTS.glob("*.yaml"))


def errors(data: Any) -> list[str]:
    from cfnlint.jsonschema import StandardValidator  # noqa: PLC0415 - takes more than a second

    return [error.message for error in StandardValidator(schema=json.loads(schema())).iter_errors(data)]


def test_the_schema_matches_the_model() -> None:
    assert PATH.read_text(encoding="utf-8") == schema(), "products/schema.json is stale: type `make schema`"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_schema_accepts_every_shipped_manifest(path: Any) -> None:
    assert errors(yaml.safe_load(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_manifest_names_the_schema(path: Any) -> None:
    assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=schema.json\n")


@pytest.mark.parametrize(
    "changes",
    [
        {"services.web.prot": 1},
        {"services.web.count": "two"},
        {"environments.staging.network.nat": "gatway"},
        {"tooling.account": "12"},
    ],
    ids=["unknown key", "wrong type", "unknown choice", "invalid account id"],
)
def test_the_schema_refuses_mistakes_that_an_editor_can_underline(changes: dict[str, Any]) -> None:
    assert errors(manifest(changes))


def test_the_schema_explains_the_keys() -> None:
    assert "Never two at once" in json.loads(schema())["$defs"]["Service"]["properties"]["singleton"]["description"]
