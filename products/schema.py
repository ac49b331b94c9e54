"""Writes `products/schema.json`, with which editors complete and check manifests: `make schema`."""

from __future__ import annotations

import json
from typing import Any

from paths import MANIFESTS
from products.base import DERIVED
from products.model import Product

PATH = MANIFESTS / "schema.json"


def schema() -> str:
    """Returns the text of the manifest's JSON schema file."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Slipway product manifest"}
    return json.dumps({**as_written(), **head}, indent=2, ensure_ascii=False) + "\n"


def as_written() -> dict[str, Any]:
    """Returns the schema of a manifest's text: keys that products/defaults.py derives are not required."""
    whole = Product.model_json_schema()
    for section in (whole, *whole["$defs"].values()):
        derived = {key for key, value in section.get("properties", {}).items() if value.pop(DERIVED, None)}
        required = [key for key in section.get("required", ()) if key not in derived]
        section.pop("required", None)
        if required:
            section["required"] = required
    return whole


if __name__ == "__main__":
    PATH.write_text(schema(), encoding="utf-8")
