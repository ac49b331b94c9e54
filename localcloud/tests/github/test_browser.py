"""The pages in a real browser: on a phone and a desktop, light and dark, without requests to other origins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.github.test_pages import EVIL

from localcloud.testing.chromium import chromium
from localcloud.testing.github import Shop

pytestmark = [pytest.mark.local, pytest.mark.browser]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


def watched(page: Page, shop: Shop) -> list[str]:
    """Returns a list that collects console messages, dialogs and requests to other origins."""
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.on("request", lambda request: None if request.url.startswith(shop.place.url) else wrong.append(request.url))
    return wrong


@pytest.mark.parametrize(
    "look",
    [
        {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
        {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    ],
    ids=["phone", "desktop"],
)
def test_a_pull_request_is_opened_and_merged_with_forms(browser: Browser, shop: Shop, look: dict[str, Any]) -> None:
    sha = shop.pushed(f"First {EVIL}")
    shop.call(
        "POST", f"/statuses/{sha}", {"state": "success", "context": "localcloud/main", "target_url": "http://run"}
    )
    shop.call("POST", "/issues", {"title": EVIL, "body": f"{EVIL}\n\n| a | {'wide ' * 40} |\n|---|---|\n| 1 | 2 |"})
    shop.branch("feature/x", "Better")
    page = browser.new_page(**look)
    page.set_default_timeout(20_000)
    wrong = watched(page, shop)

    page.goto(f"{shop.place.url}/{shop.name}/compare/main...feature/x")
    page.get_by_label("Title").fill("Better pages")
    page.get_by_role("button", name="Open the pull request").click()
    page.get_by_role("heading", name="Better pages").wait_for()
    page.get_by_role("button", name="Merge").click()
    page.get_by_text("Merged", exact=True).wait_for()
    for tab in ("Issues", "Releases", "Commits"):
        page.get_by_role("navigation").get_by_role("link", name=tab).click()
        page.get_by_role("heading", level=1).wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), tab
    page.goto(f"{shop.place.url}/{shop.name}/issues/1")

    assert page.get_by_role("heading", level=1).inner_text().startswith("<script>alert(1)</script>")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert wrong == []
    assert [event.event for event in shop.pull_requests] == ["OPEN", "CLOSED"]
    page.close()
