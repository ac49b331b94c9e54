"""Pull requests: opened, followed by pushes, merged and closed, and each event passed on once."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.github import Shop

pytestmark = pytest.mark.local


def opened(shop: Shop, head: str = "feature/x", title: str = "Better") -> dict[str, Any]:
    answer = shop.call("POST", "/pulls", {"title": title, "head": head, "base": "main", "body": "why"})
    assert answer.status == 201, answer.text
    pull: dict[str, Any] = answer.json()
    return pull


@pytest.fixture(name="change")
def _change(shop: Shop) -> str:
    shop.pushed("first", files={"README.md": "1\n"})
    return shop.branch("feature/x", "Better", files={"README.md": "2\n"})


def events(shop: Shop) -> list[tuple[str, str]]:
    return [(one.event, one.commit) for one in shop.pull_requests]


def test_a_pull_request_is_opened_and_passed_on_with_its_newest_commit_and_files(shop: Shop, change: str) -> None:
    pull = opened(shop)

    assert (pull["number"], pull["state"], pull["mergeable"], pull["commits"]) == (1, "open", True, 1)
    assert (pull["head"]["sha"], pull["head"]["ref"], pull["base"]["ref"]) == (change, "feature/x", "main")
    [event] = shop.pull_requests
    assert (event.event, event.number, event.source, event.destination) == ("OPEN", 1, "feature/x", "main")
    assert (event.commit, event.title, event.files) == (change, "Better", ("README.md",))


def test_a_push_to_its_branch_updates_it_once_and_says_what_started(shop: Shop, change: str) -> None:
    opened(shop)
    shop.git("checkout", "-q", "feature/x")
    newer = shop.commit("Better still", files={"README.md": "3\n"})

    said = shop.push("feature/x")

    assert "remote: shop-pull-request started: http://runs/pr-1" in said
    assert events(shop) == [("OPEN", change), ("UPDATED", newer)]
    assert shop.call("GET", "/pulls/1").json()["head"]["sha"] == newer


def test_a_push_to_another_branch_does_not_touch_it(shop: Shop, change: str) -> None:
    opened(shop)

    shop.pushed("on main", files={"other.txt": "x"})

    assert events(shop) == [("OPEN", change)]
    assert shop.call("GET", "/pulls/1").json()["state"] == "open"


@pytest.mark.parametrize(("method", "parents"), [("merge", 2), ("squash", 1)])
def test_merging_moves_the_base_branch_and_passes_on_a_push_and_the_closing(
    shop: Shop, change: str, method: str, parents: int
) -> None:
    opened(shop)

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


def test_a_conflict_is_seen_and_not_merged(shop: Shop, change: str) -> None:
    opened(shop)
    shop.pushed("against it", files={"README.md": "4\n"})

    assert shop.call("GET", "/pulls/1").json()["mergeable"] is False
    answer = shop.call("PUT", "/pulls/1/merge", {})
    assert (answer.status, answer.json()["message"]) == (405, "Pull Request is not mergeable")
    assert shop.call("GET", "/pulls/1").json()["state"] == "open"


def test_a_merge_of_an_older_commit_than_the_branch_shows_is_refused(shop: Shop, change: str) -> None:
    opened(shop)

    assert shop.call("PUT", "/pulls/1/merge", {"sha": "a" * 40}).status == 409


def test_a_branch_that_arrives_on_main_by_a_push_is_merged(shop: Shop, change: str) -> None:
    opened(shop)
    shop.git("merge", "-q", "--no-ff", "-m", "by hand", "feature/x")

    shop.push("main")

    assert shop.call("GET", "/pulls/1").json()["merged"] is True
    assert [event for event, _ in events(shop)] == ["OPEN", "CLOSED"]


def test_closing_and_deleting_the_branch_close_it_once(shop: Shop, change: str) -> None:
    opened(shop)
    shop.call("PATCH", "/pulls/1", {"state": "closed", "title": "Other"})

    shop.push("--delete", "feature/x")

    found = shop.call("GET", "/pulls/1").json()
    assert (found["state"], found["merged"], found["title"]) == ("closed", False, "Other")
    assert [event for event, _ in events(shop)] == ["OPEN", "CLOSED"]
    assert shop.call("PATCH", "/pulls/1", {"state": "open"}).status == 422


def test_its_commits_stay_when_its_branch_is_gone(shop: Shop, change: str) -> None:
    opened(shop)
    shop.push("--delete", "feature/x")

    shop.git("fetch", "-q", "origin", "pull/1/head")

    assert shop.git("rev-parse", "FETCH_HEAD") == change
    assert [one["sha"] for one in shop.call("GET", "/pulls/1/commits").json()] == [change]


@pytest.mark.parametrize(
    ("head", "base", "said"),
    [
        ("absent", "main", "head"),
        ("other:feature/x", "main", "head"),
        ("feature/x", "absent", "base"),
        ("main", "main", "No commits between main and main"),
        ("feature/x", "feature/x", "No commits between feature/x and feature/x"),
    ],
)
def test_branches_that_cannot_be_merged_are_refused(shop: Shop, change: str, head: str, base: str, said: str) -> None:
    answer = shop.call("POST", "/pulls", {"title": "x", "head": head, "base": base})

    assert answer.status == 422
    assert said in (answer.json()["errors"][0].get("message") or answer.json()["errors"][0]["field"])
    assert shop.pull_requests == []


def test_a_second_one_of_the_same_branches_is_refused(shop: Shop, change: str) -> None:
    opened(shop, "acme:feature/x")

    answer = shop.call("POST", "/pulls", {"title": "x", "head": "feature/x", "base": "main"})

    assert answer.json()["errors"][0]["message"] == "A pull request already exists for acme:feature/x."


def test_lists_are_filtered_and_pull_requests_are_issues_too(shop: Shop, change: str) -> None:
    opened(shop)
    shop.call("POST", "/issues", {"title": "an issue"})

    def numbers(query: str) -> list[int]:
        return [one["number"] for one in shop.call("GET", f"/pulls?{query}").json()]

    assert numbers("head=acme:feature/x") == numbers("base=main&state=all") == [1]
    assert numbers("head=acme:absent") == numbers("state=closed") == numbers("base=other") == []
    issues = shop.call("GET", "/issues?direction=asc").json()
    assert [("pull_request" in one, one["number"]) for one in issues] == [(True, 1), (False, 2)]
    assert shop.call("POST", "/issues/1/comments", {"body": "on a pull request"}).status == 201
    assert shop.call("GET", "/pulls/2").status == 404
