"""The page in a real browser, on phone and desktop, light and dark. Screenshots are not compared: fonts differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from localcloud.testing.chromium import chromium

pytestmark = pytest.mark.browser

LOOKS: dict[str, dict[str, Any]] = {
    f"{size}-{scheme}": {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    for size, width, height in (("phone", 390, 844), ("desk", 1280, 900))
    for scheme in ("light", "dark")
}
# The contrast of each visible text with its background, by the formula of WCAG 2.
FAINT = """() => {
  const parts = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = e => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, content = walk.currentNode.textContent.trim();
    if (!content || e.closest('svg') || !e.checkVisibility()) continue;
    const [a, b] = [lum(parts(getComputedStyle(e).color)), lum(behind(e))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) found.push(`${content}: ${((a + .05) / (b + .05)).toFixed(2)}`);
  }
  return found;
}"""
# The contrast of the labels of diagrams with the fill of their shapes.
FAINT_LABELS = """() => [...document.querySelectorAll('svg.diagram .node')].filter(n => {
  const rgb = e => getComputedStyle(e).fill.match(/[\\d.]+/g).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const [a, b] = [lum(rgb(n.querySelector('text'))), lum(rgb(n.querySelector('path, polygon, ellipse')))]
    .sort((x, y) => y - x);
  return (a + .05) / (b + .05) < 4.5;
}).map(n => n.textContent.trim())"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module", params=LOOKS)
def opened(
    request: pytest.FixtureRequest, browser: Browser, html: str, tmp_path_factory: pytest.TempPathFactory
) -> Page:
    """Returns the page with all blocks opened; it made no request and logged nothing to the console."""
    file = Path(tmp_path_factory.mktemp("page")) / "report.html"
    file.write_text(html, encoding="utf-8")
    page = browser.new_page(**LOOKS[request.param])
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("request", lambda request: wrong.append(request.url) if request.url != file.as_uri() else None)
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(block => { block.open = true; })")
    assert wrong == []
    return page


def test_nothing_makes_the_page_wider_than_the_screen(opened: Page) -> None:
    assert opened.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    wider = """() => [...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll')
      && e.checkVisibility() && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
      ).map(e => e.outerHTML.slice(0, 80))"""
    assert opened.evaluate(wider) == []


def test_every_section_is_visible(opened: Page) -> None:
    for name in ("findings", "changes", "cost", "diagrams"):
        box = opened.locator(f"section#{name}").bounding_box()
        assert box is not None
        assert box["height"] > 60


def test_every_text_has_enough_contrast(opened: Page) -> None:
    assert opened.evaluate(FAINT) == []
    assert opened.evaluate(FAINT_LABELS) == []


def test_the_contrast_check_finds_a_faint_text(opened: Page) -> None:
    opened.evaluate("document.body.insertAdjacentHTML('beforeend', '<p id=faint style=\"color:#888\">faint</p>')")
    found = opened.evaluate(FAINT)
    opened.evaluate("document.getElementById('faint').remove()")

    light = not opened.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert [problem.partition(":")[0] for problem in found] == (["faint"] if light else [])


def test_the_page_follows_the_colour_scheme_of_the_reader(opened: Page) -> None:
    dark = opened.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    red = opened.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")

    assert red < 60 if dark else red > 200


def test_a_diagram_is_drawn_large_enough_and_scrolls_in_its_own_frame(opened: Page) -> None:
    for box in opened.locator("svg.diagram").all():
        size = box.bounding_box()
        assert size is not None
        assert size["width"] >= 340


def test_text_is_not_cut_off_in_tables(opened: Page) -> None:
    cut = """() => [...document.querySelectorAll('td, th')].filter(e => e.scrollWidth > e.clientWidth + 1).map(
      e => e.textContent)"""
    assert opened.evaluate(cut) == []
