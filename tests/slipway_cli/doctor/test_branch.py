"""Doctor says whether the branch that production is built from is protected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from products import load
from slipway_cli.doctor.branch import GitHubError, protection, with_gh

REPOSITORY = load("showcase").repository
RULES, BRANCH = "repos/showcase/showcase/rules/branches/main", "repos/showcase/showcase/branches/main"


def asked(answers: dict[str, Any]) -> Any:
    return answers.__getitem__


@pytest.mark.parametrize(
    ("rules", "branch", "result"),
    [
        ([{"type": "pull_request"}], {"protected": False}, "ok"),
        ([{"type": "deletion"}], {"protected": True}, "ok"),
        ([{"type": "deletion"}], {"protected": False}, "missing"),
        ([], {"protected": False}, "missing"),
    ],
)
def test_a_branch_is_protected_by_a_rule_or_a_ruleset_that_requires_pull_requests(
    rules: list[dict[str, str]], branch: dict[str, bool], result: str
) -> None:
    found = protection(REPOSITORY, asked({RULES: rules, BRANCH: branch}))

    assert found.result == result
    assert ("https://github.com/showcase/showcase/settings/rules" in found.fix) is (result == "missing")


def test_without_an_answer_of_github_the_result_is_unknown_with_what_to_type() -> None:
    def refused(_: str) -> Any:
        raise GitHubError("HTTP 401: Bad credentials")

    found = protection(REPOSITORY, refused)

    assert (found.result, found.fix) == ("unknown", "gh auth login")
    assert "HTTP 401" in found.detail


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("echo 'gh: Not Found (HTTP 404)' >&2; exit 1", "HTTP 404"),
        (None, "not installed"),
    ],
)
def test_what_keeps_gh_from_answering_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str | None, message: str
) -> None:
    if program:
        (tmp_path / "gh").write_text(f"#!/bin/sh\n{program}\n")
        (tmp_path / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}")

    with pytest.raises(GitHubError, match=message):
        with_gh(RULES)


def test_gh_is_asked_for_the_path_and_its_json_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gh").write_text('#!/bin/sh\nprintf \'{"asked": "%s %s"}\' "$1" "$2"\n')
    (tmp_path / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")

    assert with_gh(BRANCH) == {"asked": f"api {BRANCH}"}
