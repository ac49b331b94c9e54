"""Writes `products/schema.json`, which editors complete and check manifests with: `make schema`."""

from __future__ import annotations

import json

from paths import MANIFESTS
from products.model import Product

PATH = MANIFESTS / "schema.json"


def schema() -> str:
    """The JSON schema of a manifest, as the file's text."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Slipway product manifest"}
    return json.dumps({**Product.model_json_schema(), **head}, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(schema(), encoding="utf-8")
