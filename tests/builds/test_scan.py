"""The scan build, the gate before production: the findings of the registry's scan decide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builds.programs import URI, Desk

IMAGE = f"{URI}@sha256:{'a' * 64}"
BASIC = {
    "name": "CVE-2026-1",
    "severity": "CRITICAL",
    "uri": "https://example.com/CVE-2026-1",
    "attributes": [{"key": "package_name", "value": "openssl"}, {"key": "package_version", "value": "3.0"}],
}
ENHANCED = {
    "severity": "HIGH",
    "packageVulnerabilityDetails": {
        "vulnerabilityId": "CVE-2026-2",
        "sourceUrl": "https://example.com/CVE-2026-2",
        "vulnerablePackages": [{"name": "libxml2", "version": "2.9"}],
    },
}
# Gives the answers one after the other, then the last one again and again.
AWS = """
answers = json.loads((folder / "answers.json").read_text())
calls = len((folder / "calls").read_text().splitlines())
answer = answers[min(calls, len(answers)) - 1]
if isinstance(answer, str):
    sys.exit(f"An error occurred ({answer}) when calling the DescribeImageScanFindings operation")
print(json.dumps(answer))
"""


def scanned(status: str, *findings: dict[str, Any], description: str = "") -> dict[str, Any]:
    return {
        "imageScanStatus": {"status": status, **({"description": description} if description else {})},
        "imageScanFindings": {
            "findings": [finding for finding in findings if "name" in finding],
            "enhancedFindings": [finding for finding in findings if "name" not in finding],
        },
    }


def gate(desk: Desk, tmp_path: Path, *answers: Any, **values: str) -> tuple[bool, str]:
    desk.install("aws", AWS)
    (desk.folder / "answers.json").write_text(json.dumps(answers))
    source = tmp_path / "source"
    source.mkdir()
    result, printed = desk.run("scan", source, **{"IMAGE": IMAGE, "PAUSE_SECONDS": "0.01"} | values)
    return result.succeeded, printed


def test_an_image_without_findings_passes_when_its_scan_is_through(desk: Desk, tmp_path: Path) -> None:
    passed, printed = gate(desk, tmp_path, "ScanNotFoundException", scanned("IN_PROGRESS"), scanned("COMPLETE"))
    assert passed, printed
    assert "allthrive/backend: 0 critical (allowed 0), 0 high (allowed 0)" in printed
    assert len(desk.calls("aws", "ecr", "describe-image-scan-findings")) == 3
    call = desk.calls("aws")[0]
    assert call[call.index("--repository-name") + 1] == "allthrive/backend"
    assert call[call.index("--region") + 1] == "us-east-1"


@pytest.mark.parametrize("status", ["COMPLETE", "ACTIVE"])
def test_findings_over_the_limit_are_listed_and_fail(desk: Desk, tmp_path: Path, status: str) -> None:
    passed, printed = gate(desk, tmp_path, scanned(status, BASIC, ENHANCED))
    assert not passed
    assert "CRITICAL CVE-2026-1 in openssl 3.0: https://example.com/CVE-2026-1" in printed
    assert "HIGH CVE-2026-2 in libxml2 2.9: https://example.com/CVE-2026-2" in printed
    assert "1 critical (allowed 0), 1 high (allowed 0)" in printed
    assert "FAILED: the image has more findings than allowed. Update the packages above and build again" in printed


@pytest.mark.parametrize(
    "values", [{"CRITICAL": "1", "HIGH": "1"}, {"ACCEPTED": "CVE-2026-2=2999-12-31 CVE-2026-1=2999-12-31"}]
)
def test_allowed_and_accepted_findings_pass(desk: Desk, tmp_path: Path, values: dict[str, str]) -> None:
    assert gate(desk, tmp_path, scanned("COMPLETE", BASIC, ENHANCED), **values)[0]


def test_an_expired_acceptance_fails_even_if_the_finding_is_fixed(desk: Desk, tmp_path: Path) -> None:
    accepted = "CVE-2026-1=2020-01-01 CVE-2026-2=2999-12-31"
    passed, printed = gate(desk, tmp_path, scanned("COMPLETE"), ACCEPTED=accepted)
    assert not passed
    assert "accepted only until their day: CVE-2026-1=2020-01-01. Update the packages; or decide again" in printed
    assert "pipeline.scan.accepted" in printed


@pytest.mark.parametrize(
    "entry", ["CVE-2026-1", "CVE-2026-1=", "CVE-2026-1=soon", "=2999-12-31", "CVE-2026-1=2999-12-31;x"]
)
def test_an_accepted_finding_without_a_valid_last_day_is_refused(desk: Desk, tmp_path: Path, entry: str) -> None:
    passed, printed = gate(desk, tmp_path, scanned("COMPLETE"), ACCEPTED=entry)
    assert not passed
    assert f"ACCEPTED holds '{entry}'; write each as <id>=<last day>" in printed


def test_accepting_one_finding_accepts_no_other(desk: Desk, tmp_path: Path) -> None:
    passed, printed = gate(desk, tmp_path, scanned("COMPLETE", BASIC, ENHANCED), ACCEPTED="CVE-2026-1=2999-12-31")
    assert not passed
    assert "0 critical (allowed 0), 1 high (allowed 0)" in printed


def test_lesser_findings_pass(desk: Desk, tmp_path: Path) -> None:
    assert gate(desk, tmp_path, scanned("COMPLETE", {**BASIC, "severity": "MEDIUM"}))[0]


UNSCANNABLE = [
    (
        [scanned("UNSUPPORTED_IMAGE", description="unknown distribution")],
        "The scan ended as UNSUPPORTED_IMAGE: unknown",
    ),
    ([scanned("FAILED")], "The scan ended as FAILED: no reason was given."),
    (["ScanNotFoundException"], "The scan is ScanNotFound after 0 seconds."),
]


@pytest.mark.parametrize(("answers", "sentence"), UNSCANNABLE)
def test_an_image_that_cannot_be_scanned_fails_and_says_what_to_type(
    desk: Desk, tmp_path: Path, answers: list[Any], sentence: str
) -> None:
    passed, printed = gate(desk, tmp_path, *answers, WAIT_SECONDS="0")
    assert not passed
    assert sentence in printed
    assert "aws ecr start-image-scan --repository-name allthrive/backend" in printed
    assert "set ALLOW_UNSCANNED=true" in printed


@pytest.mark.parametrize(("answers", "sentence"), UNSCANNABLE)
def test_an_unscanned_image_may_be_released_on_purpose(
    desk: Desk, tmp_path: Path, answers: list[Any], sentence: str
) -> None:
    passed, printed = gate(desk, tmp_path, *answers, WAIT_SECONDS="0", ALLOW_UNSCANNED="true")
    assert passed
    assert f"{sentence}" in printed
    assert "Released unscanned, since ALLOW_UNSCANNED is true." in printed


def test_a_scan_that_may_not_be_read_fails_even_if_unscanned_images_are_allowed(desk: Desk, tmp_path: Path) -> None:
    passed, printed = gate(desk, tmp_path, "AccessDeniedException", ALLOW_UNSCANNED="true")
    assert not passed
    assert "The role needs ecr:DescribeImageScanFindings." in printed


def test_an_image_by_tag_is_refused(desk: Desk, tmp_path: Path) -> None:
    passed, printed = gate(desk, tmp_path, IMAGE=f"{URI}:latest")
    assert not passed
    assert "give <registry>/<repository>@sha256:<digest>." in printed
