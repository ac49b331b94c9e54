"""HTML that cannot be broken by what stands in a template: every text passes here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt

# Words of a report are Markdown, and hold names out of templates: no HTML, no pictures, and no addresses to follow.
_WORDS = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "link", "autolink"])
_TAG = re.compile(r"</?(?:details|summary|b|sub)>")


def words(markdown: str) -> str:
    """A sentence of a report."""
    return str(_WORDS.renderInline(markdown))


def blocks(markdown: str) -> str:
    """A part of a report that is Markdown for GitHub, with its folds, which are HTML there, as headings."""
    unfolded = re.sub(r"<details><summary>(.*?)</summary>", lambda fold: f"#### {_TAG.sub('', fold[1])}", markdown)
    return str(_WORDS.render(_TAG.sub("", unfolded)))


def text(plain: object) -> str:
    """Any text as it is."""
    return escape(str(plain))


def table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = (), total: bool = False
) -> str:
    """A table of cells that are HTML already; it scrolls by itself where it is wider than the page."""
    kinds = [' class="number"' if column in numbers else "" for column in range(len(heads))]
    head = "".join(f"<th{kind}>{text(title)}</th>" for title, kind in zip(heads, kinds, strict=True))
    body = []
    for index, row in enumerate(rows):
        last = ' class="total"' if total and index == len(rows) - 1 else ""
        cells = "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(row, kinds, strict=True))
        body.append(f"<tr{last}>{cells}</tr>")
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def listed(items: Sequence[str]) -> str:
    """A list of items that are HTML already."""
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def folded(summary: str, body: str, *, opened: bool = False) -> str:
    """What a reader opens when they want it."""
    return f"<details{' open' if opened else ''}><summary>{summary}</summary>{body}</details>"


def section(name: str, title: str, *parts: str) -> str:
    """A part of the page that the navigation leads to."""
    return f'<section id="{name}"><h2>{text(title)}</h2>{"".join(parts)}</section>'
