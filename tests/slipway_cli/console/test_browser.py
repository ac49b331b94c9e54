"""The console in a real browser: a run lives without reload, a person answers, a failure is readable, on any screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from localcloud.settings import Settings
from localcloud.testing.chromium import chromium
from localcloud.testing.pipelines import World, approval, stage
from localcloud.testing.plain import unique

pytestmark = [pytest.mark.local, pytest.mark.browser]

EVIL = "<img src=x onerror=alert(1)> <script>alert(1)</script>"
LOOKS: dict[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
    "desk": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


class Person:
    """Somebody who looks at the console, and what the browser complained of meanwhile."""

    def __init__(self, browser: Browser, world: World, look: dict[str, Any]) -> None:
        self.page: Page = browser.new_page(**look)
        self.page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        self.settings = Settings(port=world.plain.port)
        self.wrong: list[str] = []
        self.loaded = 0
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: self.wrong.append(dialog.message))
        self.page.on("load", lambda _page: self._count())
        self.page.on("request", lambda request: self._from_here(request.url))

    def _count(self) -> None:
        self.loaded += 1

    def _from_here(self, url: str) -> None:
        if not url.startswith((self.settings.url, "data:")):
            self.wrong.append(url)

    def visit(self, path: str) -> None:
        self.page.goto(f"{self.settings.url}/codesuite/codepipeline/pipelines{path}")

    def fits(self) -> bool:
        """Whether nothing is wider than the screen."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.fixture
def person(browser: Browser, world: World) -> Iterator[Person]:
    made = Person(browser, world, LOOKS["desk"])
    yield made
    made.page.close()
    assert made.wrong == []


def test_a_run_appears_goes_on_and_ends_without_reload(person: Person, world: World) -> None:
    name = world.quiet(stage("Work", world.job("Deploy", {"calls": 2})), stage("Approve", approval()))
    page = person.page
    person.visit(f"/{name}/view")
    expect(page.locator("main li")).to_have_count(1)
    world.start(name)
    expect(page.locator("main li")).to_have_count(2)
    page.locator("main li").first.get_by_role("link").first.click()
    expect(page.get_by_role("status").get_by_text("Waits for approval")).to_be_visible()
    before = person.loaded
    world.answer(name)
    expect(page.get_by_role("status").get_by_text("Succeeded")).to_be_visible()
    expect(page.get_by_role("heading", name="waits for approval")).to_have_count(0)
    assert person.loaded == before
    assert "Succeeded" in page.title()


def test_the_clock_of_a_run_ticks_between_two_looks(person: Person, world: World) -> None:
    name = world.quiet(stage("Approve", approval()))
    run = world.start(name)
    world.token(name)
    person.visit(f"/{name}/executions/{run}/visualization")
    clock = person.page.locator("#stage-Approve [data-since]").first
    first = clock.inner_text()
    expect(clock).not_to_have_text(first)
    world.answer(name)


def test_a_person_approves_by_keyboard_and_what_was_typed_outlives_the_refreshes(person: Person, world: World) -> None:
    name = world.quiet(stage("Approve", approval()), stage("Work", world.job("Deploy", {"calls": 2})))
    run = world.start(name)
    world.token(name)
    page = person.page
    person.visit(f"/{name}/executions/{run}/visualization")
    comment = page.get_by_label("Comment")
    comment.focus()
    page.keyboard.type("looks good")
    clock = page.locator("#stage-Approve [data-since]").first
    for _ in range(3):
        expect(clock).not_to_have_text(clock.inner_text())
    for _ in range(2):
        with page.expect_response("**/visualization*"):
            pass
    expect(comment).to_have_value("looks good")
    expect(comment).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").get_by_text("Succeeded")).to_be_visible()
    result = world.actions(name, run)["Ask"]["output"]["executionResult"]
    assert result["externalExecutionSummary"] == "looks good"


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_failure_is_readable_on_every_screen(browser: Browser, world: World, look: str) -> None:
    world.commit(f"Change {EVIL} {'very' * 60}")
    reason = f"the service never got healthy: {EVIL}\n{'0123456789' * 40}"
    job = world.job("Deploy", {"fail": reason})
    name = world.create(
        stage("Test", world.job("Unit"), world.job("Lint")), stage("Staging", job), name=unique("x" * 60)
    )
    (run,) = [execution["pipelineExecutionId"] for execution in world.executions(name)]
    person = Person(browser, world, LOOKS[look])
    page = person.page
    person.visit(f"/{name}/executions/{run}/visualization")
    expect(page.get_by_role("heading", name="Staging/Deploy failed")).to_be_visible()
    expect(page.get_by_text("the service never got healthy: <img src=x")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("<script>alert(1)</script>")
    expect(page.locator("#log")).to_contain_text("START RequestId")
    sides = [page.locator(".side a", has_text=each).bounding_box() for each in ("Unit", "Lint")]
    assert len({side["y"] for side in sides if side}) == 1
    assert person.fits()
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (back == "rgb(255, 255, 255)") == (look == "desk")
    for path in ("", f"/{name}/view"):
        person.visit(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert person.fits(), path
    assert person.wrong == []
    page.close()


def test_the_log_of_an_action_is_a_click_away_and_grows(person: Person, world: World) -> None:
    job = world.job("Deploy", {"calls": 3, "say": "deploying, call"})
    name = world.quiet(stage("Test", world.job("Unit")), stage("Staging", job), stage("Approve", approval()))
    run = world.start(name)
    page = person.page
    person.visit(f"/{name}/executions/{run}/visualization")
    page.locator(".side a", has_text="Deploy").click()
    expect(page.get_by_role("heading", name="Staging/Deploy", exact=True)).to_be_visible()
    # Not its START lines: the same function ran as Test/Unit until just before, and only what it says tells them apart.
    expect(page.locator("#log")).to_contain_text("deploying, call 3")
    expect(page.locator("#log span", has_text="deploying, call")).to_have_count(3)
    world.answer(name)
