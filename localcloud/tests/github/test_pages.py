"""The pages: their content, the escaping of untrusted text, and the refusal of forms from other pages."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.github.pages.markdown import render
from localcloud.markup import link
from localcloud.testing.github import Answer, Shop

pytestmark = pytest.mark.local

EVIL = """<script>alert(1)</script>"><img src=x onerror=alert(1)>{title}' onmouseover='alert(1)"""
ALLOWED = {
    *("html", "head", "meta", "title", "link", "style", "body", "header", "main", "nav", "article", "div", "p", "span"),
    *(
        "a",
        "ul",
        "ol",
        "li",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "time",
        "code",
        "pre",
        "strong",
        "em",
        "s",
        "hr",
        "br",
    ),
    *("table", "thead", "tbody", "tr", "th", "td", "blockquote", "form", "label", "input", "textarea", "button"),
}


class Elements(HTMLParser):
    """The elements, attributes and URLs of a page, as a browser parses them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src", "action"}]


def assert_harmless(text: str) -> None:
    found = Elements(text)
    assert found.tags <= ALLOWED
    assert not [name for name in found.attributes if name.startswith("on")]
    assert "src" not in found.attributes
    assert all(re.match(r"(https?://|/(?!/)|data:,$)", address) for address in found.addresses), found.addresses


def form(shop: Shop, path: str, site: str = "same-origin", **fields: str) -> Answer:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": site}
    return shop.place.ask("POST", f"/{shop.name}{path}", urlencode(fields).encode(), headers)


def test_untrusted_text_is_displayed_but_has_no_effect(shop: Shop) -> None:
    sha = shop.pushed(EVIL, files={"<b>.txt": EVIL})
    status = {"state": "failure", "context": EVIL, "description": EVIL[:140], "target_url": f"https://x/{EVIL}"}
    shop.call("POST", f"/statuses/{sha}", status)
    shop.call("POST", "/issues", {"title": EVIL, "body": EVIL, "labels": [EVIL]})
    shop.call("POST", "/issues/1/comments", {"body": f"[x](javascript:alert(1)) ![x](https://evil/x.png)\n\n{EVIL}"})
    shop.call("POST", "/releases", {"tag_name": "v1", "name": EVIL, "body": EVIL, "generate_release_notes": True})
    shop.branch("feature/<b>", EVIL)
    shop.call("POST", "/pulls", {"title": EVIL, "body": EVIL, "head": "feature/<b>", "base": "main"})

    for path in (
        "",
        f"/commit/{sha}",
        "/issues",
        "/issues/1",
        "/pulls",
        "/pull/2",
        "/releases",
        "/releases/tag/v1",
        "/commits/feature/%3Cb%3E",
        "/compare/main...feature/%3Cb%3E",
        "/absent/%3Cscript%3Ealert(1)%3C/script%3E",
    ):
        answer = shop.page(path)
        assert answer.status == (404 if "absent" in path else 200), path
        assert_harmless(answer.text)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shop.page("/issues/1").text


@given(st.text(alphabet="<>&\"'`[]()!*_~|#-=+\\\n :/ajvscriptx.0", max_size=200))
def test_markdown_becomes_only_harmless_elements(text: str) -> None:
    assert_harmless(render(text, "http://github.localhost/a/b"))


@pytest.mark.parametrize("address", ["javascript:alert(1)", "//evil.example", "data:text/html,x", "", " https://x"])
def test_only_web_addresses_become_links(address: str) -> None:
    assert link(address, "here") == "here"


def test_html_comments_are_hidden_and_tables_are_displayed(shop: Shop) -> None:
    marks = "<!-- localcloud pipeline x -->\n<!-- localcloud run y -->\n"
    body = f"{marks}| | |\n|---|---|\n| Stage | Test |\n\n~~~~\n<b>log</b>\n~~~~\n"
    shop.call("POST", "/issues", {"title": "It fails", "body": body})

    text = shop.page("/issues/1").text

    assert "localcloud pipeline" not in text
    assert "<td>Stage</td>" in text
    assert "&lt;b&gt;log&lt;/b&gt;" in text


def test_commits_show_their_combined_status(shop: Shop) -> None:
    good, bad = shop.pushed("good"), shop.pushed("bad")
    shop.pushed("none")
    for sha, state in ((good, "success"), (bad, "success"), (bad, "failure")):
        shop.call(
            "POST", f"/statuses/{sha}", {"state": state, "context": f"localcloud/{state}", "target_url": "http://run"}
        )

    text = shop.page().text
    details = shop.page(f"/commit/{bad}").text

    assert text.count('class="mark success"') == text.count('class="mark failure"') == 1
    assert "failure: 1 of 2 succeeded" in text
    assert '<a href="http://run">localcloud/failure</a>' in details
    assert '<span class="add">+bad</span>' in details


def test_issues_are_listed_by_state_and_shown_with_their_comments(shop: Shop) -> None:
    shop.call("POST", "/issues", {"title": "First", "labels": ["bug"]})
    shop.call("POST", "/issues", {"title": "Second"})
    shop.call("POST", "/issues/1/comments", {"body": "It **works** again."})
    shop.call("PATCH", "/issues/1", {"state": "closed", "state_reason": "completed"})

    assert "Second" in shop.page("/issues").text
    assert "First" not in shop.page("/issues").text
    assert "First" in shop.page("/issues?state=closed").text
    assert "<strong>works</strong>" in shop.page("/issues/1").text
    assert "Completed" in shop.page("/issues/1").text


def test_long_lists_have_pages(shop: Shop) -> None:
    for number in range(32):
        shop.git("commit", "-q", "--allow-empty", "-m", f"number {number}")
    shop.push("main")

    first, second = shop.page("/commits/main").text, shop.page("/commits/main?page=2").text

    assert "number 31" in first
    assert "number 1<" not in first
    assert f'<a href="/{shop.name}/commits/main?page=2">Older</a>' in first
    assert "number 1<" in second
    assert "Newer" in second
    assert "Older" not in second


def test_release_notes_have_abbreviated_links(shop: Shop) -> None:
    sha = shop.pushed("Faster")
    shop.call("POST", "/releases", {"tag_name": "v1", "generate_release_notes": True})

    text = shop.page("/releases/tag/v1").text

    assert "Latest" in text
    assert re.search(r'<a href="[^"]+/commits/v1">v1</a>', text)
    assert f">{sha[:7]}</a>" in text


def test_an_empty_repository_explains_how_to_push(shop: Shop) -> None:
    assert f"git remote add origin {shop.url}" in shop.page().text
    assert f"{shop.name}</a>" in shop.place.ask("GET", "/").text


def test_the_pages_also_work_below_the_path_prefix(shop: Shop) -> None:
    shop.pushed()

    text = shop.place.ask("GET", f"/_github/{shop.name}", host="localhost").text

    assert f'href="/_github/{shop.name}/issues"' in text


def test_forms_open_merge_and_close_a_pull_request(shop: Shop) -> None:
    shop.pushed()
    shop.branch("feature/x")
    shop.branch("feature/y")
    assert "Open the pull request" in shop.page("/compare/main...feature/x").text

    made = form(shop, "/pulls", head="feature/x", base="main", title="Better", body="why")
    merged = form(shop, "/pull/1/merge")
    form(shop, "/pulls", head="feature/y", base="main", title="Worse", body="")
    form(shop, "/pull/2/close")

    assert (made.status, made.headers["location"]) == (303, f"/{shop.name}/pull/1")
    assert merged.status == 303
    assert "Merged" in shop.page("/pull/1").text
    assert "Closed" in shop.page("/pull/2").text
    events = [(event.number, event.event) for event in shop.pull_requests]
    assert events == [(1, "OPEN"), (1, "CLOSED"), (2, "OPEN"), (2, "CLOSED")]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_form_of_another_origin_is_refused(shop: Shop, site: str) -> None:
    shop.pushed()
    shop.branch("feature/x")

    answer = form(shop, "/pulls", site, head="feature/x", base="main", title="Better")

    assert answer.status == 403
    assert shop.pull_requests == []


def test_a_refused_form_shows_the_reason(shop: Shop) -> None:
    shop.pushed()

    same = form(shop, "/pulls", head="main", base="main", title="x")
    missing = form(shop, "/pulls", head="absent", base="main", title="x")

    assert "No commits between main and main" in same.text
    assert "One of the branches does not exist." in missing.text
    assert form(shop, "/pull/1/merge").status == 403
