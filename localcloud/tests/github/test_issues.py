"""Issues, comments and commit statuses, as GitHub's API has them."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.github import Shop

pytestmark = pytest.mark.local


def opened(shop: Shop, title: str = "It fails", **more: Any) -> dict[str, Any]:
    answer = shop.call("POST", "/issues", {"title": title, **more})
    assert answer.status == 201
    issue: dict[str, Any] = answer.json()
    return issue


def titles(shop: Shop, query: str) -> list[str]:
    return [one["title"] for one in shop.call("GET", f"/issues?{query}").json()]


def test_an_issue_is_numbered_and_keeps_what_it_was_given(shop: Shop) -> None:
    opened(shop)
    issue = opened(shop, "Second", body="text", labels=["bug", {"name": "urgent"}])

    found = shop.call("GET", "/issues/2").json()
    assert found == issue
    assert (found["number"], found["body"], found["state"], found["closed_at"]) == (2, "text", "open", None)
    assert [one["name"] for one in found["labels"]] == ["bug", "urgent"]
    assert found["html_url"] == f"{shop.place.url}/{shop.name}/issues/2"
    assert found["url"] == f"{shop.place.url}/api/v3/repos/{shop.name}/issues/2"


def test_lists_are_filtered_by_state_and_by_all_of_the_labels(shop: Shop) -> None:
    opened(shop, "a", labels=["bug"])
    opened(shop, "b", labels=["bug", "urgent"])
    opened(shop, "c")
    shop.call("PATCH", "/issues/1", {"state": "closed"})

    assert titles(shop, "") == ["c", "b"]
    assert titles(shop, "state=closed") == ["a"]
    assert titles(shop, "state=all&labels=bug") == ["b", "a"]
    assert titles(shop, "state=all&labels=bug,urgent") == ["b"]
    assert titles(shop, "labels=none") == []


def test_lists_are_sorted_both_ways(shop: Shop) -> None:
    for title in "abc":
        opened(shop, title)
    shop.call("POST", "/issues/2/comments", {"body": "once"})

    assert titles(shop, "sort=created&direction=asc") == ["a", "b", "c"]
    assert titles(shop, "sort=created&direction=desc") == ["c", "b", "a"]
    assert titles(shop, "sort=comments")[0] == "b"
    assert shop.call("GET", "/issues?direction=sideways").status == 422


def test_a_long_list_comes_in_pages_that_name_each_other(shop: Shop) -> None:
    for number in range(7):
        opened(shop, str(number))

    first = shop.call("GET", "/issues?per_page=3&direction=asc")
    parts = [part.split(">; rel=") for part in first.headers["link"].split(", ")]
    links = {name.strip('"'): address.lstrip("<") for address, name in parts}
    second = shop.place.follow(links["next"])
    last = shop.place.follow(links["last"])

    assert [one["title"] for one in first.json()] == ["0", "1", "2"]
    assert set(links) == {"next", "last"}
    assert [one["title"] for one in second.json()] == ["3", "4", "5"]
    assert [one["title"] for one in last.json()] == ["6"]
    assert 'rel="next"' not in last.headers["link"]
    assert shop.call("GET", "/issues?per_page=3&page=9").json() == []


def test_a_list_of_one_page_names_no_other_and_strange_numbers_count_as_absent(shop: Shop) -> None:
    opened(shop)

    for query in ("", "?per_page=0", "?per_page=1000&page=-1", "?page=x", f"?page={'9' * 40}"):
        answer = shop.call("GET", f"/issues{query}")
        assert len(answer.json()) == 1
        assert "link" not in answer.headers


def test_closing_and_opening_again_are_dated(shop: Shop) -> None:
    opened(shop)

    closed = shop.call("PATCH", "/issues/1", {"state": "closed", "state_reason": "not_planned"}).json()
    again = shop.call("PATCH", "/issues/1", {"state": "open", "title": "Again", "body": None, "labels": []}).json()

    assert (closed["state"], closed["state_reason"]) == ("closed", "not_planned")
    assert closed["closed_at"] is not None
    assert (again["state"], again["state_reason"], again["closed_at"]) == ("open", "reopened", None)
    assert (again["title"], again["body"], again["labels"]) == ("Again", None, [])


def test_comments_are_listed_oldest_first_and_counted(shop: Shop) -> None:
    opened(shop)
    for text in ("one", "two"):
        assert shop.call("POST", "/issues/1/comments", {"body": text}).status == 201

    assert [one["body"] for one in shop.call("GET", "/issues/1/comments").json()] == ["one", "two"]
    assert shop.call("GET", "/issues/1").json()["comments"] == 2


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, '"title" wasn\'t supplied'),
        ({"title": 5}, 422, "5 is not a string"),
        ({"title": None}, 422, "nil is not a string"),
        ({"title": " "}, 422, "Validation Failed"),
        ({"title": "x" * 257}, 422, "Validation Failed"),
        ({"title": "x", "body": "x" * 65537}, 422, "Validation Failed"),
        ({"title": "x", "labels": "bug"}, 422, "is not an array"),
        ({"title": "x", "labels": [1]}, 422, "does not hold strings"),
        (b"{", 400, "Problems parsing JSON"),
        (b"[]", 400, "Body should be a JSON object"),
        (b'{"title": "\\ud800"}', 400, "Problems parsing JSON"),
    ],
)
def test_a_mistake_is_answered_as_github_answers_it(shop: Shop, body: Any, status: int, said: str) -> None:
    answer = shop.call("POST", "/issues", body)

    assert answer.status == status
    assert said in answer.json()["message"]
    assert answer.json()["documentation_url"].startswith("https://docs.github.com/rest")
    assert shop.call("GET", "/issues").json() == []


def test_what_is_not_there_is_not_found(shop: Shop) -> None:
    for path in ("/issues/1", "/issues/1/comments", "/issues/99999999999999999999", "/nothing", "/releases/latest"):
        answer = shop.call("GET", path)
        assert (answer.status, answer.json()["message"]) == (404, "Not Found")


def test_statuses_of_a_commit_are_kept_and_added_up(shop: Shop) -> None:
    sha = shop.pushed()
    assert shop.call("GET", f"/commits/{sha}/status").json()["state"] == "pending"

    for state, context in (("pending", "a"), ("success", "b"), ("success", "a")):
        told = {"state": state, "context": context, "target_url": "http://runs/1", "description": "d"}
        assert shop.call("POST", f"/statuses/{sha}", told).status == 201

    combined = shop.call("GET", "/commits/main/status").json()
    assert (combined["state"], combined["total_count"], combined["sha"]) == ("success", 2, sha)
    assert [one["state"] for one in shop.call("GET", f"/commits/{sha}/statuses").json()] == [
        "success",
        "success",
        "pending",
    ]
    shop.call("POST", f"/statuses/{sha}", {"state": "error"})
    combined = shop.call("GET", f"/commits/{sha[:8]}/status").json()
    assert combined["state"] == "failure"
    assert combined["statuses"][-1]["context"] == "default"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"state": "green"},
        {"state": "success", "description": "x" * 141},
        {"state": "success", "target_url": "javascript:alert(1)"},
    ],
)
def test_a_status_that_github_refuses_is_refused(shop: Shop, body: dict[str, str]) -> None:
    sha = shop.pushed()

    assert shop.call("POST", f"/statuses/{sha}", body).status == 422
    assert shop.call("POST", f"/statuses/{'a' * 40}", {"state": "success"}).json()["message"] == (
        f"No commit found for SHA: {'a' * 40}"
    )


def test_a_deployment_and_its_statuses_are_kept(shop: Shop) -> None:
    sha = shop.pushed()

    made = shop.call("POST", "/deployments", {"ref": "main", "environment": "staging", "payload": {"a": 1}})
    told = {"state": "success", "environment_url": "http://staging"}
    added = shop.call("POST", f"/deployments/{made.json()['id']}/statuses", told)

    assert (made.status, added.status) == (201, 201)
    [found] = shop.call("GET", "/deployments?environment=staging").json()
    assert (found["sha"], found["payload"], found["task"]) == (sha, {"a": 1}, "deploy")
    assert shop.call("GET", f"/deployments/{found['id']}").json() == found
    [status] = shop.call("GET", f"/deployments/{found['id']}/statuses").json()
    assert (status["state"], status["environment_url"]) == ("success", "http://staging")
    assert shop.call("GET", "/deployments?environment=production").json() == []
    assert shop.call("POST", "/deployments", {"ref": "absent"}).status == 422
