"""Releases: git tags and release notes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from localcloud.testing.github import Answer, Shop

pytestmark = pytest.mark.local


def release(shop: Shop, tag: str, **more: Any) -> Answer:
    return shop.call("POST", "/releases", {"tag_name": tag, **more})


def test_a_release_creates_its_tag_on_the_target_commit_as_a_push_event(shop: Shop) -> None:
    sha = shop.pushed("first")
    shop.pushed("second")

    made = release(shop, "v1.0.0", target_commitish=sha, name="One", body="text")

    assert made.status == 201
    assert shop.bare.reference("refs/tags/v1.0.0") == ("commit", sha)
    assert shop.call("GET", "/git/ref/tags/v1.0.0").json()["object"]["sha"] == sha
    assert made.json()["html_url"] == f"{shop.place.url}/{shop.name}/releases/tag/v1.0.0"
    assert [push.ref for push in shop.pushes][-1] == "refs/tags/v1.0.0"


def test_a_release_is_found_by_its_tag_by_its_id_and_as_the_latest(shop: Shop) -> None:
    shop.pushed()
    release(shop, "v1")
    second = release(shop, "release/2").json()
    release(shop, "v3-rc", prerelease=True)
    release(shop, "v4", draft=True)

    assert shop.call("GET", "/releases/tags/release/2").json() == second
    assert shop.call("GET", f"/releases/{second['id']}").json() == second
    assert shop.call("GET", "/releases/latest").json() == second
    assert [release["tag_name"] for release in shop.call("GET", "/releases").json()] == [
        "v4",
        "v3-rc",
        "release/2",
        "v1",
    ]
    assert shop.call("GET", "/releases/tags/v4").status == 404
    assert shop.call("GET", "/git/ref/tags/v4").status == 404


def test_only_one_of_several_simultaneous_releases_of_a_tag_is_created(shop: Shop) -> None:
    shop.pushed()

    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = list(pool.map(lambda _: release(shop, "v1"), range(4)))

    assert sorted(answer.status for answer in answers) == [201, 422, 422, 422]
    refused = next(answer for answer in answers if answer.status == 422).json()
    assert (refused["message"], refused["errors"][0]["code"]) == ("Validation Failed", "already_exists")
    assert [push.ref for push in shop.pushes].count("refs/tags/v1") == 1


def test_an_existing_tag_is_not_moved(shop: Shop) -> None:
    sha = shop.pushed("first")
    shop.git("tag", "-a", "v1", "-m", "annotated")
    shop.push("v1")
    shop.pushed("second")

    assert release(shop, "v1", target_commitish="main").status == 201

    kind, tag = shop.bare.reference("refs/tags/v1") or ("", "")
    assert kind == "tag"
    assert shop.call("GET", f"/git/tags/{tag}").json()["object"] == {
        "type": "commit",
        "sha": sha,
        "url": f"{shop.place.url}/api/v3/repos/{shop.name}/git/commits/{sha}",
    }


@pytest.mark.parametrize(
    ("tag", "target"), [("v1", "absent"), ("v 1", "main"), ("-x", "main"), ("", "main"), ("a..b", "main")]
)
def test_a_release_with_an_unknown_target_or_an_invalid_tag_is_refused(shop: Shop, tag: str, target: str) -> None:
    shop.pushed()

    answer = release(shop, tag, target_commitish=target)

    assert (answer.status, answer.json()["message"]) == (422, "Validation Failed")
    assert shop.call("GET", "/releases").json() == []


def test_the_notes_list_the_changes_since_the_previous_release(shop: Shop) -> None:
    shop.pushed("Old")
    release(shop, "v1", generate_release_notes=True)
    shop.pushed("Faster pages")
    shop.branch("feature/x", "A commit of the pull request")
    pull = shop.call("POST", "/pulls", {"title": "Add search", "head": "feature/x", "base": "main"}).json()
    shop.call("PUT", f"/pulls/{pull['number']}/merge", {})

    made = release(shop, "v2", body="Images:\n- x", generate_release_notes=True).json()

    assert made["body"].startswith("Images:\n- x\n\n## What's Changed\n* Faster pages by Mary Major in ")
    assert f"* Add search by @localcloud in {shop.place.url}/{shop.name}/pull/{pull['number']}\n" in made["body"]
    assert made["body"].endswith(f"**Full Changelog**: {shop.place.url}/{shop.name}/compare/v1...v2")
    assert "Old" not in made["body"]
    assert "A commit of the pull request" not in made["body"]
    assert made["name"] == "v2"


def test_notes_can_be_generated_without_a_release(shop: Shop) -> None:
    shop.pushed("Old")

    made = shop.call("POST", "/releases/generate-notes", {"tag_name": "v1"})

    assert made.status == 200
    assert "* Old by Mary Major in " in made.json()["body"]
    assert shop.call("GET", "/git/ref/tags/v1").status == 404


def test_a_squashed_pull_request_is_listed_once(shop: Shop) -> None:
    shop.pushed("Old")
    release(shop, "v1")
    shop.branch("feature/x")
    pull = shop.call("POST", "/pulls", {"title": "Add search", "head": "feature/x", "base": "main"}).json()
    shop.call("PUT", f"/pulls/{pull['number']}/merge", {"merge_method": "squash"})

    body = release(shop, "v2", generate_release_notes=True).json()["body"]

    assert body.count("* ") == 1
    assert "* Add search by @localcloud" in body
