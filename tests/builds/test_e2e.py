"""The e2e build: the variables and options that Playwright gets, and the upload of its report."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builds.programs import Desk, files

DOCKER = """
if words[0] == "cp":
    (Path(words[2]) / "html").mkdir(parents=True)
    (Path(words[2]) / "html" / "index.html").write_text("report")
sys.exit("BASE_URL=https://staging.example.com" in words and (folder / "failing").exists())
"""
AWS = "sys.exit((folder / 'refusing').exists())\n"


@pytest.fixture
def source(tmp_path: Path, desk: Desk) -> Path:
    """A source whose lock file pins Playwright."""
    desk.install("docker", DOCKER)
    desk.install("aws", AWS)
    lock = {"packages": {"node_modules/@playwright/test": {"version": "1.65.1"}}}
    (tmp_path / "source").mkdir()
    return files(tmp_path / "source", e2e__package_dot_json="{}", **{"e2e__package-lock_dot_json": lock})


WHERE = {"BASE_URL": "https://staging.example.com", "REPORTS_BUCKET": "reports/main", "EXECUTION": "abc"}


def test_the_browser_gets_address_version_and_further_options(desk: Desk, source: Path) -> None:
    result, printed = desk.run(
        "e2e", source, **WHERE, EXPECTED_VERSION="1.0.0-abc", DOCKER_RUN_OPTIONS="--network n --add-host a:1.2.3.4"
    )
    assert result.succeeded, printed
    (started,) = desk.calls("docker", "run")
    assert "--network n --add-host a:1.2.3.4" in " ".join(started)
    (call,) = [call for call in desk.calls("docker", "exec") if "BASE_URL=https://staging.example.com" in call]
    assert "EXPECTED_VERSION=1.0.0-abc" in call
    assert "--reporter=list,html,json,junit" in call[-1]


@pytest.mark.parametrize("fails", [False, True])
def test_the_report_is_kept_whether_tests_pass_or_fail(desk: Desk, source: Path, fails: bool) -> None:
    if fails:
        (desk.folder / "failing").touch()
    result, printed = desk.run("e2e", source, **WHERE)
    assert result.succeeded is not fails
    assert desk.calls("aws", "s3", "cp")[0][4] == "s3://reports/main/abc"
    assert "Report: s3://reports/main/abc/index.html" in printed
    assert ("FAILED: end-to-end tests failed against https://staging.example.com" in printed) is fails
    assert desk.calls("docker", "rm")


def test_a_report_that_cannot_be_uploaded_does_not_fail_the_build(desk: Desk, source: Path) -> None:
    (desk.folder / "refusing").touch()
    result, printed = desk.run("e2e", source, **WHERE)
    assert result.succeeded
    assert "warning: the report is not kept" in printed


def test_without_a_bucket_nothing_is_uploaded(desk: Desk, source: Path) -> None:
    assert desk.run("e2e", source, BASE_URL="https://staging.example.com")[0].succeeded
    assert not desk.calls("aws")


def test_the_image_has_the_version_of_the_pinned_playwright(desk: Desk, source: Path, tmp_path: Path) -> None:
    copy = tmp_path / "Dockerfile"
    save_dockerfile = (
        f"\nif words[0] == 'build': Path({str(copy)!r}).write_text(Path(words[words.index('--file') + 1]).read_text())"
    )
    desk.install("docker", save_dockerfile + DOCKER)
    desk.run("e2e", source, **WHERE)
    assert copy.read_text().startswith("FROM mcr.microsoft.com/playwright:v1.65.1-noble AS dependencies")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"BASE_URL": ""}, "BASE_URL is ''; give the environment's address"),
        ({"DIRECTORY": "tests"}, "no tests/package.json. Set DIRECTORY"),
    ],
)
def test_bad_input_is_refused(desk: Desk, source: Path, values: dict[str, str], sentence: str) -> None:
    result, printed = desk.run("e2e", source, **{**WHERE, **values})
    assert not result.succeeded
    assert sentence in printed
