"""Files, comparisons, and the pull requests of a commit."""

from __future__ import annotations

import base64

import pytest

from localcloud.testing.github import Shop

pytestmark = pytest.mark.local


def test_a_file_is_served_as_of_a_commit(shop: Shop) -> None:
    (shop.work / "docs").mkdir()
    first = shop.pushed("first", files={"docs/version.txt": "1"})
    second = shop.pushed("second", files={"docs/version.txt": "2"})

    found = [shop.call("GET", f"/contents/docs/version.txt?ref={sha}").json() for sha in (first, second, "main")]

    assert [base64.b64decode(file["content"]) for file in found] == [b"1", b"2", b"2"]
    assert (found[0]["encoding"], found[0]["path"]) == ("base64", "docs/version.txt")


@pytest.mark.parametrize("path", ["docs", "missing", "../config", "docs/../../config", ":(top)docs", "-"])
def test_only_files_of_the_commit_are_served(shop: Shop, path: str) -> None:
    (shop.work / "docs").mkdir()
    shop.pushed("first", files={"docs/version.txt": "1"})

    assert shop.call("GET", f"/contents/{path}").status == 404


def test_two_commits_are_compared(shop: Shop) -> None:
    first, second = shop.pushed("first"), shop.pushed("second")

    states = {
        (base, head): shop.call("GET", f"/compare/{base}...{head}").json()["status"]
        for base in (first, second)
        for head in (first, second)
    }
    ahead = shop.call("GET", f"/compare/{first}...main").json()

    assert states == {
        (first, first): "identical",
        (first, second): "ahead",
        (second, first): "behind",
        (second, second): "identical",
    }
    assert (ahead["ahead_by"], [commit["sha"] for commit in ahead["commits"]]) == (1, [second])
    assert shop.call("GET", f"/compare/main...{'f' * 40}").status == 404


def test_a_merged_pull_request_is_found_by_its_head_and_by_its_merge(shop: Shop) -> None:
    shop.pushed("first")
    head = shop.branch("dev")
    made = shop.call("POST", "/pulls", {"title": "Release", "head": "dev", "base": "main"}).json()
    merged = shop.call("PUT", f"/pulls/{made['number']}/merge", {"merge_method": "squash"}).json()["sha"]

    found = [shop.call("GET", f"/commits/{sha}/pulls").json() for sha in (head, merged)]

    assert [[pull["number"] for pull in pulls] for pulls in found] == [[made["number"]]] * 2
    assert (found[0][0]["merge_commit_sha"], found[0][0]["head"]["sha"]) == (merged, head)
    assert found[0][0]["merged_at"]
