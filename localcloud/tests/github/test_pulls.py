"""Pull requests are opened, updated by pushes, merged and closed; each event triggers pipelines once."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.github import Shop

pytestmark = pytest.mark.local


def create(shop: Shop, head: str = "feature/x", title: str = "Better") -> dict[str, Any]:
    answer = shop.call("POST", "/pulls", {"title": title, "head": head, "base": "main", "body": "why"})
    assert answer.status == 201, answer.text
    pull: dict[str, Any] = answer.json()
    return pull


@pytest.fixture(name="change")
def _change(shop: Shop) -> str:
    shop.pushed("first", files={"README.md": "1\n"})
    return shop.branch("feature/x", "Better", files={"README.md": "2\n"})


def events(shop: Shop) -> list[tuple[str, str]]:
    return [(event.event, event.commit) for event in shop.pull_requests]


def test_opening_a_pull_request_triggers_with_its_newest_commit_and_files(shop: Shop, change: str) -> None:
    pull = create(shop)

    assert (pull["number"], pull["state"], pull["mergeable"], pull["commits"]) == (1, "open", True, 1)
    assert (pull["head"]["sha"], pull["head"]["ref"], pull["base"]["ref"]) == (change, "feature/x", "main")
    [event] = shop.pull_requests
    assert (event.event, event.number, event.source, event.destination) == ("OPEN", 1, "feature/x", "main")
    assert (event.commit, event.title, event.files) == (change, "Better", ("README.md",))


def test_a_push_to_its_branch_updates_it_once_and_prints_the_started_run(shop: Shop, change: str) -> None:
    create(shop)
    shop.git("checkout", "-q", "feature/x")
    newer = shop.commit("Better still", files={"README.md": "3\n"})

    output = shop.push("feature/x")

    assert "remote: shop-pull-request started: http://runs/pr-1" in output
    assert events(shop) == [("OPEN", change), ("UPDATED", newer)]
    assert shop.call("GET", "/pulls/1").json()["head"]["sha"] == newer


def test_a_push_to_another_branch_does_not_change_it(shop: Shop, change: str) -> None:
    create(shop)

    shop.pushed("on main", files={"other.txt": "x"})

    assert events(shop) == [("OPEN", change)]
    assert shop.call("GET", "/pulls/1").json()["state"] == "open"


@pytest.mark.parametrize(("method", "parents"), [("merge", 2), ("squash", 1)])
def test_merging_updates_the_base_branch_and_triggers_a_push_and_a_close_event(
    shop: Shop, change: str, method: str, parents: int
) -> None:
    create(shop)

    answer = shop.call("PUT", "/pulls/1/merge", {"merge_method": method, "sha": change})

    assert answer.status == 200
    sha = answer.json()["sha"]
    commit = shop.bare.commit("main")
    assert commit is not None
    assert (commit.sha, len(commit.parents)) == (sha, parents)
    assert shop.bare.text("show", "main:README.md") == "2"
    assert (shop.pushes[-1].ref, shop.pushes[-1].after) == ("refs/heads/main", sha)
    assert events(shop) == [("OPEN", change), ("CLOSED", change)]
    found = shop.call("GET", "/pulls/1").json()
    assert (found["state"], found["merged"], found["merge_commit_sha"]) == ("closed", True, sha)
    assert shop.call("GET", "/pulls/1/merge").status == 204
    assert shop.call("PUT", "/pulls/1/merge", {}).status == 405


def test_a_pull_request_with_a_conflict_is_not_mergeable(shop: Shop, change: str) -> None:
    create(shop)
    shop.pushed("conflicting", files={"README.md": "4\n"})

    assert shop.call("GET", "/pulls/1").json()["mergeable"] is False
    answer = shop.call("PUT", "/pulls/1/merge", {})
    assert (answer.status, answer.json()["message"]) == (405, "Pull Request is not mergeable")
    assert shop.call("GET", "/pulls/1").json()["state"] == "open"


def test_merging_another_commit_than_the_branchs_newest_is_refused(shop: Shop, change: str) -> None:
    create(shop)

    assert shop.call("PUT", "/pulls/1/merge", {"sha": "a" * 40}).status == 409


def test_a_pull_request_merged_by_a_push_is_marked_as_merged(shop: Shop, change: str) -> None:
    create(shop)
    shop.git("merge", "-q", "--no-ff", "-m", "by hand", "feature/x")

    shop.push("main")

    assert shop.call("GET", "/pulls/1").json()["merged"] is True
    assert [event for event, _ in events(shop)] == ["OPEN", "CLOSED"]


def test_closing_it_and_then_deleting_its_branch_closes_it_once(shop: Shop, change: str) -> None:
    create(shop)
    shop.call("PATCH", "/pulls/1", {"state": "closed", "title": "Other"})

    shop.push("--delete", "feature/x")

    found = shop.call("GET", "/pulls/1").json()
    assert (found["state"], found["merged"], found["title"]) == ("closed", False, "Other")
    assert [event for event, _ in events(shop)] == ["OPEN", "CLOSED"]
    assert shop.call("PATCH", "/pulls/1", {"state": "open"}).status == 422


def test_its_commits_survive_the_deletion_of_its_branch(shop: Shop, change: str) -> None:
    create(shop)
    shop.push("--delete", "feature/x")

    shop.git("fetch", "-q", "origin", "pull/1/head")

    assert shop.git("rev-parse", "FETCH_HEAD") == change
    assert [commit["sha"] for commit in shop.call("GET", "/pulls/1/commits").json()] == [change]


@pytest.mark.parametrize(
    ("head", "base", "reason"),
    [
        ("absent", "main", "head"),
        ("other:feature/x", "main", "head"),
        ("feature/x", "absent", "base"),
        ("main", "main", "No commits between main and main"),
        ("feature/x", "feature/x", "No commits between feature/x and feature/x"),
    ],
)
def test_branches_that_cannot_be_merged_are_refused(shop: Shop, change: str, head: str, base: str, reason: str) -> None:
    answer = shop.call("POST", "/pulls", {"title": "x", "head": head, "base": base})

    assert answer.status == 422
    assert reason in (answer.json()["errors"][0].get("message") or answer.json()["errors"][0]["field"])
    assert shop.pull_requests == []


def test_a_second_pull_request_of_the_same_branches_is_refused(shop: Shop, change: str) -> None:
    create(shop, "acme:feature/x")

    answer = shop.call("POST", "/pulls", {"title": "x", "head": "feature/x", "base": "main"})

    assert answer.json()["errors"][0]["message"] == "A pull request already exists for acme:feature/x."


def test_lists_are_filtered_and_pull_requests_are_issues_too(shop: Shop, change: str) -> None:
    create(shop)
    shop.call("POST", "/issues", {"title": "an issue"})

    def numbers(query: str) -> list[int]:
        return [pull["number"] for pull in shop.call("GET", f"/pulls?{query}").json()]

    assert numbers("head=acme:feature/x") == numbers("base=main&state=all") == [1]
    assert numbers("head=acme:absent") == numbers("state=closed") == numbers("base=other") == []
    issues = shop.call("GET", "/issues?direction=asc").json()
    assert [("pull_request" in issue, issue["number"]) for issue in issues] == [(True, 1), (False, 2)]
    assert shop.call("POST", "/issues/1/comments", {"body": "on a pull request"}).status == 201
    assert shop.call("GET", "/pulls/2").status == 404
