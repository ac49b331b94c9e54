"""Issues, comments and commit statuses behave as in GitHub's API."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.github import Shop

pytestmark = pytest.mark.local


def create(shop: Shop, title: str = "It fails", **more: Any) -> dict[str, Any]:
    answer = shop.call("POST", "/issues", {"title": title, **more})
    assert answer.status == 201
    issue: dict[str, Any] = answer.json()
    return issue


def titles(shop: Shop, query: str) -> list[str]:
    return [issue["title"] for issue in shop.call("GET", f"/issues?{query}").json()]


def test_an_issue_gets_a_number_and_keeps_its_fields(shop: Shop) -> None:
    create(shop)
    issue = create(shop, "Second", body="text", labels=["bug", {"name": "urgent"}])

    found = shop.call("GET", "/issues/2").json()
    assert found == issue
    assert (found["number"], found["body"], found["state"], found["closed_at"]) == (2, "text", "open", None)
    assert [label["name"] for label in found["labels"]] == ["bug", "urgent"]
    assert found["html_url"] == f"{shop.place.url}/{shop.name}/issues/2"
    assert found["url"] == f"{shop.place.url}/api/v3/repos/{shop.name}/issues/2"


def test_lists_are_filtered_by_state_and_by_all_labels(shop: Shop) -> None:
    create(shop, "a", labels=["bug"])
    create(shop, "b", labels=["bug", "urgent"])
    create(shop, "c")
    shop.call("PATCH", "/issues/1", {"state": "closed"})

    assert titles(shop, "") == ["c", "b"]
    assert titles(shop, "state=closed") == ["a"]
    assert titles(shop, "state=all&labels=bug") == ["b", "a"]
    assert titles(shop, "state=all&labels=bug,urgent") == ["b"]
    assert titles(shop, "labels=none") == []


def test_lists_are_sorted_both_ways(shop: Shop) -> None:
    for title in "abc":
        create(shop, title)
    shop.call("POST", "/issues/2/comments", {"body": "once"})

    assert titles(shop, "sort=created&direction=asc") == ["a", "b", "c"]
    assert titles(shop, "sort=created&direction=desc") == ["c", "b", "a"]
    assert titles(shop, "sort=comments")[0] == "b"
    assert shop.call("GET", "/issues?direction=sideways").status == 422


def test_a_long_list_has_pages_with_links_to_each_other(shop: Shop) -> None:
    for number in range(7):
        create(shop, str(number))

    first = shop.call("GET", "/issues?per_page=3&direction=asc")
    parts = [part.split(">; rel=") for part in first.headers["link"].split(", ")]
    links = {name.strip('"'): address.lstrip("<") for address, name in parts}
    second = shop.place.follow(links["next"])
    last = shop.place.follow(links["last"])

    assert [issue["title"] for issue in first.json()] == ["0", "1", "2"]
    assert set(links) == {"next", "last"}
    assert [issue["title"] for issue in second.json()] == ["3", "4", "5"]
    assert [issue["title"] for issue in last.json()] == ["6"]
    assert 'rel="next"' not in last.headers["link"]
    assert shop.call("GET", "/issues?per_page=3&page=9").json() == []


def test_a_list_with_one_page_has_no_links_and_invalid_page_numbers_are_ignored(shop: Shop) -> None:
    create(shop)

    for query in ("", "?per_page=0", "?per_page=1000&page=-1", "?page=x", f"?page={'9' * 40}"):
        answer = shop.call("GET", f"/issues{query}")
        assert len(answer.json()) == 1
        assert "link" not in answer.headers


def test_closing_sets_a_time_and_reopening_clears_it(shop: Shop) -> None:
    create(shop)

    closed = shop.call("PATCH", "/issues/1", {"state": "closed", "state_reason": "not_planned"}).json()
    again = shop.call("PATCH", "/issues/1", {"state": "open", "title": "Again", "body": None, "labels": []}).json()

    assert (closed["state"], closed["state_reason"]) == ("closed", "not_planned")
    assert closed["closed_at"] is not None
    assert (again["state"], again["state_reason"], again["closed_at"]) == ("open", "reopened", None)
    assert (again["title"], again["body"], again["labels"]) == ("Again", None, [])


def test_comments_are_listed_oldest_first_and_counted(shop: Shop) -> None:
    create(shop)
    for text in ("one", "two"):
        assert shop.call("POST", "/issues/1/comments", {"body": text}).status == 201

    assert [comment["body"] for comment in shop.call("GET", "/issues/1/comments").json()] == ["one", "two"]
    assert shop.call("GET", "/issues/1").json()["comments"] == 2


@pytest.mark.parametrize(
    ("body", "status", "message"),
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
def test_an_invalid_request_gets_githubs_error(shop: Shop, body: Any, status: int, message: str) -> None:
    answer = shop.call("POST", "/issues", body)

    assert answer.status == status
    assert message in answer.json()["message"]
    assert answer.json()["documentation_url"].startswith("https://docs.github.com/rest")
    assert shop.call("GET", "/issues").json() == []


def test_missing_objects_are_not_found(shop: Shop) -> None:
    for path in ("/issues/1", "/issues/1/comments", "/issues/99999999999999999999", "/nothing", "/releases/latest"):
        answer = shop.call("GET", path)
        assert (answer.status, answer.json()["message"]) == (404, "Not Found")


def test_statuses_of_a_commit_are_stored_and_combined(shop: Shop) -> None:
    sha = shop.pushed()
    assert shop.call("GET", f"/commits/{sha}/status").json()["state"] == "pending"

    for state, context in (("pending", "a"), ("success", "b"), ("success", "a")):
        body = {"state": state, "context": context, "target_url": "http://runs/1", "description": "d"}
        assert shop.call("POST", f"/statuses/{sha}", body).status == 201

    combined = shop.call("GET", "/commits/main/status").json()
    assert (combined["state"], combined["total_count"], combined["sha"]) == ("success", 2, sha)
    assert [status["state"] for status in shop.call("GET", f"/commits/{sha}/statuses").json()] == [
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
def test_an_invalid_status_is_refused(shop: Shop, body: dict[str, str]) -> None:
    sha = shop.pushed()

    assert shop.call("POST", f"/statuses/{sha}", body).status == 422
    assert shop.call("POST", f"/statuses/{'a' * 40}", {"state": "success"}).json()["message"] == (
        f"No commit found for SHA: {'a' * 40}"
    )


def test_a_deployment_and_its_statuses_are_stored(shop: Shop) -> None:
    sha = shop.pushed()

    made = shop.call("POST", "/deployments", {"ref": "main", "environment": "staging", "payload": {"a": 1}})
    body = {"state": "success", "environment_url": "http://staging"}
    added = shop.call("POST", f"/deployments/{made.json()['id']}/statuses", body)

    assert (made.status, added.status) == (201, 201)
    [found] = shop.call("GET", "/deployments?environment=staging").json()
    assert (found["sha"], found["payload"], found["task"]) == (sha, {"a": 1}, "deploy")
    assert shop.call("GET", f"/deployments/{found['id']}").json() == found
    [status] = shop.call("GET", f"/deployments/{found['id']}/statuses").json()
    assert (status["state"], status["environment_url"]) == ("success", "http://staging")
    assert shop.call("GET", "/deployments?environment=production").json() == []
    assert shop.call("POST", "/deployments", {"ref": "absent"}).status == 422


def test_a_comment_on_a_commit_is_listed_and_shown_on_its_page(shop: Shop) -> None:
    sha = shop.pushed()

    answer = shop.call("POST", f"/commits/{sha}/comments", {"body": "**3** stacks change <script>"})

    made = answer.json()
    assert answer.status == 201
    assert (made["commit_id"], made["path"], made["body"]) == (sha, None, "**3** stacks change <script>")
    assert made["html_url"].startswith(f"{shop.place.url}/{shop.name}/commit/{sha}#commitcomment-")
    assert shop.call("GET", f"/commits/{sha}/comments").json() == [made]
    page = shop.page(f"/commit/{sha}").text
    assert "<strong>3</strong> stacks change" in page
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("sha", "body", "status"), [("0" * 40, "x", 422), ("", " ", 422), ("", "x" * 70_000, 422), ("", None, 422)]
)
def test_a_comment_needs_a_commit_and_a_text_that_github_accepts(
    shop: Shop, sha: str, body: str | None, status: int
) -> None:
    known = shop.pushed()

    answer = shop.call("POST", f"/commits/{sha or known}/comments", {"body": body} if body else {})

    assert answer.status == status
    assert shop.call("GET", f"/commits/{known}/comments").json() == []
