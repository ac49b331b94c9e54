"""One load reports both kinds of problems: wrong keys and values, and parts that contradict each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from products import Product
from tests.products.test_loader import BAD
from tests.support.manifests import complaints, edited

CONTRADICTION = ("zones: 3, nat: gateway, nat_count: 2", "zones: 2, nat: gateway, nat_count: 3")
COMPLAINT = "environments.production.network.nat_count: got 3, more than zones 2"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    port: 8000", "    prot: 8000"),
        ("    port: 8000", "    port: 8000\n    qqq: 1"),
        ("count: 2\n    scaling", "count: two\n    scaling"),
        ("when: after_deploy", "when: later"),
        ('version: "18"', "version: 18"),
        ("owner_id: 90000001", "owner_id: -1"),
        ("cpu_percent: 60, requests", "cpu_percent: 600, requests"),
        ("stages: [test, publish, staging, e2e]", "stages: []"),
        ("  owner: allthrive-ai\n", ""),
    ],
)
def test_a_contradiction_is_reported_beside_a_wrong_value(tmp_path: Path, old: str, new: str) -> None:
    found = complaints(tmp_path, edited((old, new), CONTRADICTION))

    assert any(COMPLAINT in line for line in found)
    assert len(found) == 2


@pytest.mark.parametrize(("old", "new"), [(old, new) for _, old, new, _, _ in BAD], ids=[case[0] for case in BAD])
def test_no_message_follows_from_a_repair(tmp_path: Path, old: str, new: str) -> None:
    text = edited((old, new))
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return  # not YAML: nothing is repaired
    try:
        Product.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        sentences = sum(
            len(getattr(details.get("ctx", {}).get("error"), "sentences", "1")) for details in error.errors()
        )
        assert len(complaints(tmp_path, text)) == sentences


def test_a_missing_section_is_reported_without_what_follows_from_it(tmp_path: Path) -> None:
    text = edited(("images:\n  backend:\n    context: backend\n    dockerfile: Dockerfile.prod\n", ""))

    assert [line.partition(": ")[2] for line in complaints(tmp_path, text)] == ["images: missing"]
