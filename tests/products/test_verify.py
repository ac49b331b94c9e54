"""The manifest's choice how releases are verified, and what depends on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from products.document import written
from products.flows import needs_url
from tests.support.manifests import REMOVED, complaints, edited, product

PATH = "/api/v1/status/"
PIPELINE_ONLY: dict[str, Any] = {
    "pipeline.checks.browser": REMOVED,
    "pipeline.flows": {"main": {"branches": ["main"], "stages": ["test", "publish", "staging"]}},
}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"pipeline.verify": REMOVED}, None),
        ({"pipeline.verify": {}}, None),
        ({"pipeline.verify": {"path": "/release"}}, "/release"),
        ({"pipeline.verify": REMOVED, "pipeline.verify_path": "/release"}, "/release"),
    ],
)
def test_the_product_reports_its_release_only_if_the_manifest_names_the_page(
    changes: dict[str, Any], path: str | None
) -> None:
    pipeline = product(changes).pipeline

    assert pipeline is not None
    assert pipeline.report_path == path


def test_the_short_form_beside_the_section_is_refused(tmp_path: Path) -> None:
    text = edited(("  verify: {path: /api/v1/status/}\n", "  verify: {path: /a}\n  verify_path: /b\n"))

    assert complaints(tmp_path, text) == [
        "allthrive.yaml:134: pipeline.verify_path: verify.path defines the same; remove one of the two"
    ]


@pytest.mark.parametrize(
    ("verify", "message"),
    [
        ("{path: status}", "pipeline.verify.path: got 'status'; write it like /api/v1/status/"),
        ("{pth: /status}", "pipeline.verify.pth: unknown key; did you mean 'path'?"),
        ("tasks", "pipeline.verify: expected keys and values, got 'tasks'; its keys are: path"),
    ],
)
def test_a_wrong_choice_is_explained(tmp_path: Path, verify: str, message: str) -> None:
    (line,) = complaints(tmp_path, edited(("  verify: {path: /api/v1/status/}\n", f"  verify: {verify}\n")))

    assert line == f"allthrive.yaml:133: {message}"


def test_the_address_is_needed_for_a_report() -> None:
    assert needs_url(product({**PIPELINE_ONLY, "pipeline.verify": {"path": PATH}}), "staging")


def test_without_a_report_the_address_is_needed_for_a_browsers_tests_and_for_an_approval() -> None:
    without = product({"pipeline.verify": REMOVED})
    approved = {**PIPELINE_ONLY, "pipeline.verify": REMOVED, "environments.production.approval": True}
    approved["pipeline.flows"] = {
        "main": {"branches": ["main"], "stages": ["test", "publish", "staging", "production"]}
    }

    assert needs_url(without, "staging")
    assert needs_url(product(approved), "staging")
    assert not needs_url(product(approved), "production")


def test_otherwise_nobody_needs_the_address() -> None:
    assert not needs_url(product({**PIPELINE_ONLY, "pipeline.verify": REMOVED}), "staging")


def test_the_document_says_where_a_release_is_verified() -> None:
    assert "compares what runs with the release: in ECS and at `/api/v1/status/`" in written()
