"""The filters of triggers: the pushes and pull requests that match."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.codepipeline import triggers
from localcloud.codepipeline.store import Pipeline
from localcloud.codepipeline.triggers import PullRequest, PullRequestEvent, Push


def pushed(ref: str, *files: str) -> Push:
    return Push("acme/shop", ref, "c0ffee", files or ("src/a.py",))


def requested(event: PullRequestEvent = "OPEN", destination: str = "main", *files: str) -> PullRequest:
    return PullRequest("acme/shop", event, "7", "Fix", "feature/x", destination, "c0ffee", files or ("src/a.py",))


@pytest.mark.parametrize(
    ("filters", "change", "expected"),
    [
        ([{"branches": {"includes": ["main"]}}], pushed("refs/heads/main"), True),
        ([{"branches": {"includes": ["main"]}}], pushed("refs/heads/dev"), False),
        ([{"branches": {"includes": ["main"]}}], pushed("refs/tags/main"), False),
        ([{"branches": {"excludes": ["main"]}}], pushed("refs/heads/dev"), True),
        ([{"tags": {"includes": ["v*"]}}], pushed("refs/tags/v1"), True),
        ([{"tags": {"includes": ["v*"]}}], pushed("refs/heads/v1"), False),
        ([{"tags": {"includes": ["v*"], "excludes": ["v0"]}}], pushed("refs/tags/v0"), False),
        ([{"branches": {"includes": ["a"]}}, {"branches": {"includes": ["b"]}}], pushed("refs/heads/b"), True),
        (
            [{"branches": {"includes": ["main"]}, "filePaths": {"includes": ["backend/**"]}}],
            pushed("refs/heads/main", "backend/a.py"),
            True,
        ),
        (
            [{"branches": {"includes": ["main"]}, "filePaths": {"includes": ["backend/**"]}}],
            pushed("refs/heads/main", "docs/a.md"),
            False,
        ),
        (
            [{"branches": {"includes": ["main"]}, "filePaths": {"excludes": ["**/*.md"]}}],
            pushed("refs/heads/main", "docs/a.md", "docs/b.md"),
            False,
        ),
        (
            [{"branches": {"includes": ["main"]}, "filePaths": {"excludes": ["**/*.md"]}}],
            pushed("refs/heads/main", "docs/a.md", "src/b.py"),
            True,
        ),
    ],
)
def test_pushes_are_filtered_by_branch_tag_and_file(filters: list[Any], change: Push, expected: bool) -> None:
    assert triggers.trigger_matches({"push": filters}, change) is expected


@pytest.mark.parametrize(
    ("filters", "change", "expected"),
    [
        ([{"branches": {"includes": ["main"]}}], requested(), True),
        ([{"branches": {"includes": ["main"]}}], requested("OPEN", "dev"), False),
        ([{"branches": {"includes": ["feature/**"]}}], requested(), False),
        ([{"branches": {"includes": ["main"]}, "events": ["OPEN", "UPDATED"]}], requested("UPDATED"), True),
        ([{"branches": {"includes": ["main"]}, "events": ["OPEN", "UPDATED"]}], requested("CLOSED"), False),
        ([{"branches": {"includes": ["main"]}, "events": ["CLOSED"]}], requested("CLOSED"), True),
        ([{"filePaths": {"includes": ["docs/**"]}}], requested("OPEN", "main", "src/a.py"), False),
        ([{"filePaths": {"includes": ["docs/**"]}}], requested("OPEN", "main", "docs/a.md"), True),
    ],
)
def test_pull_requests_are_filtered_by_target_branch_event_and_file(
    filters: list[Any], change: PullRequest, expected: bool
) -> None:
    assert triggers.trigger_matches({"pullRequest": filters}, change) is expected


def test_a_filter_for_pushes_matches_no_pull_request_and_vice_versa() -> None:
    assert not triggers.trigger_matches({"push": [{"branches": {"includes": ["**"]}}]}, requested())
    assert not triggers.trigger_matches(
        {"pullRequest": [{"branches": {"includes": ["**"]}}]}, pushed("refs/heads/main")
    )


def pipeline(triggered: list[Any] | None = None, **configuration: str) -> Pipeline:
    given = {"FullRepositoryId": "acme/shop", "BranchName": "main", **configuration}
    action = {"name": "Get", "actionTypeId": {"provider": triggers.PROVIDER}, "configuration": given}
    declaration = {"name": "p", "stages": [{"name": "Source", "actions": [action]}], "triggers": triggered or []}
    return Pipeline(("111122223333", "us-east-1"), declaration)


def test_without_triggers_a_push_to_the_actions_branch_starts_the_pipeline() -> None:
    assert list(triggers.triggered_actions(pipeline(), pushed("refs/heads/main")))
    assert not list(triggers.triggered_actions(pipeline(), pushed("refs/heads/dev")))
    assert not list(triggers.triggered_actions(pipeline(), requested()))


def test_with_detect_changes_false_a_push_does_not_start_the_pipeline() -> None:
    assert not list(triggers.triggered_actions(pipeline(DetectChanges="false"), pushed("refs/heads/main")))


def test_with_triggers_the_actions_branch_does_not_count() -> None:
    filters = {"sourceActionName": "Get", "push": [{"branches": {"includes": ["feature/**"]}}]}
    found = pipeline([{"gitConfiguration": filters}], DetectChanges="false")
    assert list(triggers.triggered_actions(found, pushed("refs/heads/feature/a")))
    assert not list(triggers.triggered_actions(found, pushed("refs/heads/main")))


def test_another_repository_starts_nothing() -> None:
    assert not list(triggers.triggered_actions(pipeline(FullRepositoryId="acme/other"), pushed("refs/heads/main")))
