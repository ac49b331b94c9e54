"""A failing pipeline has one open issue, which its next success closes, in whatever order events arrive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report_failure import handler
from shared.aws import Unanswered
from tests.support.fake_github import REPOSITORY, TOKEN, GitHubWeb
from tests.support.fake_pipeline import played
from tests.support.fake_runs import PIPELINE, History, event, run_id
from tests.support.fake_web import WEB_FAULTS

SETTINGS = {"product": "allthrive", "repository": REPOSITORY, "secret": "allthrive/github", "issues": [PIPELINE]}
STAGES = {PIPELINE: "Source Test Staging Production Release"}
FAILED = {"Source": "Succeeded", "Test": "Succeeded", "Staging": "Failed"}
DONE = {"Source": "Succeeded", "Test": "Succeeded", "Staging": "Succeeded"}


class Reporting(History):
    """Fakes of CodePipeline, GitHub and Secrets Manager."""

    def __init__(self) -> None:
        super().__init__()
        self.github = GitHubWeb()
        self.on("secretsmanager.GetSecretValue", lambda _: {"SecretString": TOKEN})


def prepare(monkeypatch: pytest.MonkeyPatch, cloud: Reporting) -> None:
    monkeypatch.setenv("SETTINGS", json.dumps(SETTINGS))
    monkeypatch.setenv("GITHUB_API_URL", cloud.github.url)


@pytest.fixture(name="cloud")
def _cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reporting]:
    cloud = Reporting()
    with cloud.installed(monkeypatch), cloud.github.serving():
        prepare(monkeypatch, cloud)
        yield cloud


@pytest.fixture(name="each_branch")
def _each_branch(cloud: Reporting, monkeypatch: pytest.MonkeyPatch) -> Reporting:
    """The pipeline builds several branches and pull requests."""
    monkeypatch.setenv("SETTINGS", json.dumps({**SETTINGS, "each_branch": [PIPELINE]}))
    return cloud


def report(number: int, state: str, **more: Any) -> None:
    handler.main(event(number, state, **more), None)


def test_a_failure_opens_an_issue_with_all_details_of_the_run(cloud: Reporting) -> None:
    cloud.run(1, "Failed", stages=FAILED, reason="migrate ended with 1")

    report(1, "FAILED", **{"author-display-name": "Ada"})

    issue = cloud.github.issues[0]
    assert issue["title"] == "allthrive: Staging failed in allthrive-main"
    assert issue["labels"] == ["bug"]
    for part in (
        "| Stage | Staging |",
        "| Action | StagingAction |",
        f"[{run_id(1)}](https://us-east-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/allthrive-main/",
        "| Branch | `main` |",
        f"| Commit | {1:040x} `Improve the page` |",
        "| Author | `Ada` |",
        "| Version | `1.1.0` |",
        "migrate ended with 1",
        "| Test | Succeeded |\n| Staging | Failed |",
        "codebuild/1",
    ):
        assert part in issue["body"]


def test_the_issue_names_the_stages_that_did_not_start_too(cloud: Reporting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTINGS", json.dumps({**SETTINGS, "stages": STAGES}))
    cloud.run(1, "Failed", stages=FAILED)

    report(1, "FAILED")

    assert (
        "| Source | Succeeded |\n| Test | Succeeded |\n| Staging | Failed |\n"
        "| Production | did not start |\n| Release | did not start |\n" in cloud.github.issues[0]["body"]
    )


def test_each_branch_and_pull_request_has_its_own_issue(each_branch: Reporting) -> None:
    each_branch.run(1, "Failed", stages=FAILED, branch="feature/a")
    each_branch.run(2, "Failed", stages=FAILED, branch="feature/--> b")
    each_branch.run(3, "Failed", stages=FAILED, branch="feature/a", pull_request="7")
    each_branch.run(4, "Failed", stages=FAILED, branch="feature/a")
    for number in (1, 2, 3, 4):
        report(number, "FAILED")
    each_branch.run(5, "Succeeded", stages=DONE, branch="feature/a")
    report(5, "SUCCEEDED")

    assert [issue["title"].partition("main")[2] for issue in each_branch.github.issues] == [
        ", feature/a",
        ", feature/--> b",
        ", pull request 7",
    ]
    assert [issue["number"] for issue in each_branch.github.open_issues()] == [2, 3]


def test_the_success_of_another_branch_does_not_hide_a_late_failure(each_branch: Reporting) -> None:
    each_branch.run(1, "Failed", stages=FAILED, branch="feature/a")
    each_branch.run(2, "Succeeded", stages=DONE, branch="feature/b")
    report(2, "SUCCEEDED")
    report(1, "FAILED")

    assert len(each_branch.github.open_issues()) == 1


@pytest.mark.parametrize(
    ("message", "closed"),
    [
        ("Fix issue #1", True),
        ("Water less\n\nfixes issue #1, and more", True),
        ("Fix issue #12", False),
        ("Prefix issue #1", False),
        ("See issue #1", False),
    ],
)
def test_a_commit_that_says_so_closes_the_issue_of_another_branch(
    each_branch: Reporting, message: str, *, closed: bool
) -> None:
    each_branch.run(1, "Failed", stages=FAILED, branch="main")
    report(1, "FAILED")
    each_branch.run(2, "Succeeded", stages=DONE, branch="feature/a", message=message)
    report(2, "SUCCEEDED")
    report(2, "SUCCEEDED")

    assert (each_branch.github.open_issues() == []) is closed
    assert len(each_branch.github.comments.get(1, [])) == closed


@pytest.mark.parametrize(("state", "more"), [("Failed", {}), ("Succeeded", {"pull_request": "7"})])
def test_neither_a_failed_run_nor_a_pull_request_closes_the_issue_that_its_commit_names(
    each_branch: Reporting, state: str, more: dict[str, str]
) -> None:
    each_branch.run(1, "Failed", stages=FAILED, branch="main")
    report(1, "FAILED")
    each_branch.run(2, state, stages=FAILED if state == "Failed" else DONE, branch="b", message="Fix issue #1", **more)
    report(2, state.upper())

    assert each_branch.github.issues[0]["state"] == "open"


def test_a_commit_cannot_close_an_issue_that_people_wrote(cloud: Reporting) -> None:
    cloud.github.issues.append({"number": 1, "state": "open", "body": "The page is ugly"})
    cloud.run(1, "Succeeded", stages=DONE, message="Fix issue #1")

    report(1, "SUCCEEDED")

    assert len(cloud.github.open_issues()) == 1


def test_a_second_failure_is_a_comment(cloud: Reporting) -> None:
    cloud.run(1, "Failed", stages=FAILED)
    report(1, "FAILED")
    cloud.run(2, "Failed", stages=FAILED)
    report(2, "FAILED")

    assert len(cloud.github.issues) == 1
    assert run_id(2) in cloud.github.comments[1][0]["body"]


def test_an_event_that_comes_twice_changes_nothing(cloud: Reporting) -> None:
    cloud.run(1, "Failed", stages=FAILED)
    cloud.run(2, "Failed", stages=FAILED)
    for number in (1, 2, 1, 2, 2):
        report(number, "FAILED")

    assert len(cloud.github.issues) == 1
    assert len(cloud.github.comments[1]) == 1


def test_the_next_success_closes_the_issue_and_names_the_run(cloud: Reporting) -> None:
    cloud.run(1, "Failed", stages=FAILED)
    report(1, "FAILED")
    cloud.run(2, "Succeeded", stages=DONE)
    report(2, "SUCCEEDED")
    report(2, "SUCCEEDED")

    assert cloud.github.open_issues() == []
    (comment,) = cloud.github.comments[1]
    assert "allthrive-main succeeded again with `1.2.0`: [run](https://us-east-1.console" in comment["body"]


def test_issues_without_the_mark_of_the_pipeline_are_left_alone(cloud: Reporting) -> None:
    cloud.github.issues.append({"number": 1, "state": "open", "body": "about <!-- slipway pipeline allthrive-main -->"})
    cloud.github.issues.append({"number": 2, "state": "open", "body": None})
    cloud.run(1, "Succeeded", stages=DONE)

    report(1, "SUCCEEDED")

    assert len(cloud.github.open_issues()) == 2


def test_a_late_failure_opens_no_issue_for_a_pipeline_that_works_again(cloud: Reporting) -> None:
    cloud.run(1, "Failed", stages=FAILED)
    cloud.run(2, "Succeeded", stages=DONE)
    report(2, "SUCCEEDED")
    report(1, "FAILED")

    assert cloud.github.issues == []


def test_a_rollback_that_succeeds_closes_nothing(cloud: Reporting) -> None:
    cloud.run(1, "Failed", stages=FAILED)
    report(1, "FAILED")
    cloud.run(2, "Succeeded", rollback=True, stages=DONE)
    report(2, "SUCCEEDED")

    assert len(cloud.github.open_issues()) == 1
    assert [commit for commit, _ in cloud.github.statuses] == [f"{1:040x}"]


def test_a_pipeline_without_issues_still_sets_the_status_of_commits(
    cloud: Reporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETTINGS", json.dumps({**SETTINGS, "issues": []}))
    cloud.run(1, "Failed", stages=FAILED)

    report(1, "FAILED")

    assert cloud.github.issues == []
    assert cloud.github.statuses[0][1] | {"target_url": ""} == {
        "state": "failure",
        "context": "slipway/allthrive-main",
        "target_url": "",
        "description": "allthrive-main failed in Staging",
    }


def test_a_late_start_does_not_hide_how_the_run_ended(cloud: Reporting) -> None:
    cloud.run(1, "Succeeded", stages=DONE)

    report(1, "STARTED")

    assert cloud.github.statuses[0][1]["state"] == "success"


def test_a_commit_message_mentions_nobody_and_forges_no_mark(cloud: Reporting) -> None:
    cloud.run(
        1, "Failed", stages=FAILED, message="`@everyone` fixes #1 | <!-- slipway pipeline x -->", reason="~~~~\n@all"
    )

    report(1, "FAILED")

    body = cloud.github.issues[0]["body"]
    assert "`'@everyone' fixes #1 / <!-- slipway pipeline x -->`" in body
    assert body.count("\n~~~~\n") == 2


def test_two_issues_opened_at_the_same_moment_become_one(cloud: Reporting) -> None:
    cloud.run(1, "Failed", stages=FAILED)
    report(1, "FAILED")
    twin = {**cloud.github.issues[0], "number": 2, "state": "open"}
    cloud.github.issues.append(twin)

    report(1, "FAILED")

    assert [issue["number"] for issue in cloud.github.open_issues()] == [1]


def test_a_commit_that_github_does_not_know_does_not_prevent_the_issue(cloud: Reporting) -> None:
    cloud.run(1, "Failed", stages=FAILED)
    plain = cloud.github.reply
    cloud.github.reply = lambda request: (
        (422, {"message": "No commit"}) if "statuses" in request.path else plain(request)
    )

    with pytest.raises(Exception, match="No commit"):
        report(1, "FAILED")

    assert len(cloud.github.issues) == 1


def test_a_missing_permission_raises_so_that_lambda_counts_an_error(cloud: Reporting) -> None:
    cloud.run(1, "Failed", stages=FAILED)
    cloud.faults["codepipeline.ListActionExecutions"] = ["denied"]

    with pytest.raises(Exception, match="ListActionExecutions"):
        report(1, "FAILED")


def test_neither_token_nor_event_is_logged(cloud: Reporting, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    cloud.run(1, "Failed", stages=FAILED)
    report(1, "FAILED")

    assert TOKEN not in caplog.text


def _deliver(number: int, state: str) -> None:
    """Delivers an event as Lambda does: three attempts, and three more each time the failed event is redriven."""
    for _ in range(9):
        try:
            report(number, state)
        except Unanswered:
            continue
        return


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_events_in_any_order_and_number_end_in_the_same_issue(data: st.DataObject) -> None:
    cloud = Reporting()
    ends = data.draw(st.lists(st.sampled_from(["Failed", "Succeeded"]), min_size=1, max_size=4), label="runs")
    for number, end in enumerate(ends, start=1):
        cloud.run(number, end, stages=FAILED if end == "Failed" else DONE)
    states = [(number, end.upper()) for number, end in enumerate(ends, start=1)]
    states += [(number, "STARTED") for number in range(1, len(ends) + 1)]
    again = data.draw(st.lists(st.sampled_from(states), max_size=3), label="again")
    order = data.draw(st.permutations(states + again), label="order")
    cloud.github.faults = data.draw(st.lists(st.none() | st.sampled_from(WEB_FAULTS), max_size=4), label="GitHub")
    with played(cloud) as monkeypatch, cloud.github.serving():
        prepare(monkeypatch, cloud)
        for number, state in order:
            _deliver(number, state)

    assert len(cloud.github.open_issues()) == (ends[-1] == "Failed")
    assert len({issue["body"] for issue in cloud.github.issues}) == len(cloud.github.issues)
    for number, comments in cloud.github.comments.items():
        marks = [comment["body"].partition("\n")[0] for comment in comments]
        assert len(marks) == len(set(marks)), number


LOG = (
    "staging/Data: deploying...\n",
    "FAILED: staging was not deployed:\nstaging/Data/Database (AWS::RDS::DBInstance): UPDATE_FAILED: no capacity\n",
    "FAILED: the deployment stopped.\n",
    "[Container] 2026/11/30 15:00:00.000000 Phase complete: BUILD State: FAILED\n",
)


@pytest.fixture(name="infrastructure")
def _infrastructure(cloud: Reporting, monkeypatch: pytest.MonkeyPatch) -> Reporting:
    """The pipeline deploys stacks: its builds say why they failed, and its commits are in another repository."""
    monkeypatch.setenv("SETTINGS", json.dumps({**SETTINGS, "logs": [PIPELINE], "repositories": {PIPELINE: REPOSITORY}}))
    cloud.on("cloudwatchlogs.GetLogEvents", lambda _: {"events": [{"message": line} for line in LOG]})
    return cloud


def test_the_issue_has_the_cause_that_the_build_s_log_names(infrastructure: Reporting) -> None:
    infrastructure.run(1, "Failed", stages=FAILED, reason="exit status 1", build="allthrive-infrastructure-x:4711")

    report(1, "FAILED")

    body = infrastructure.github.issues[0]["body"]
    assert "staging/Data/Database (AWS::RDS::DBInstance): UPDATE_FAILED: no capacity" in body
    assert "exit status 1" not in body
    assert "the deployment stopped" not in body
    assert "Phase complete" not in body


@pytest.mark.parametrize("lines", [(), ("everything is fine\n",)])
def test_a_log_without_a_cause_leaves_the_reason_of_codepipeline(
    infrastructure: Reporting, lines: tuple[str, ...]
) -> None:
    infrastructure.on("cloudwatchlogs.GetLogEvents", lambda _: {"events": [{"message": line} for line in lines]})
    infrastructure.run(1, "Failed", stages=FAILED, reason="exit status 1", build="allthrive-infrastructure-x:4711")

    report(1, "FAILED")

    assert "exit status 1" in infrastructure.github.issues[0]["body"]


def test_the_issue_is_in_the_repository_of_the_pipeline_s_commits(
    infrastructure: Reporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {**SETTINGS, "repository": "allthrive-ai/other", "repositories": {PIPELINE: REPOSITORY}}
    monkeypatch.setenv("SETTINGS", json.dumps(elsewhere))
    infrastructure.run(1, "Failed", stages=FAILED)

    report(1, "FAILED")

    assert len(infrastructure.github.issues) == 1
