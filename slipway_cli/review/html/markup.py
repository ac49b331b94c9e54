"""Builds HTML. Each text of a template is escaped here, so that it cannot inject markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt

# The sentences of a report are Markdown with names from templates, so HTML, images and links are disabled.
_WORDS = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "link", "autolink"])
_TAG = re.compile(r"</?(?:details|summary|b|sub)>")


def words(markdown: str) -> str:
    """Returns a sentence of a report as HTML."""
    return str(_WORDS.renderInline(markdown))


def blocks(markdown: str) -> str:
    """Returns a section of Markdown for GitHub as HTML; its `<details>` become headings."""
    unfolded = re.sub(r"<details><summary>(.*?)</summary>", lambda fold: f"#### {_TAG.sub('', fold[1])}", markdown)
    return str(_WORDS.render(_TAG.sub("", unfolded)))


def text(plain: object) -> str:
    """Returns a plain text, escaped."""
    return escape(str(plain))


def table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = (), total: bool = False
) -> str:
    """Returns a table of HTML cells; it scrolls if it is wider than the page."""
    kinds = [' class="number"' if column in numbers else "" for column in range(len(heads))]
    head = "".join(f"<th{kind}>{text(title)}</th>" for title, kind in zip(heads, kinds, strict=True))
    body = []
    for index, row in enumerate(rows):
        last = ' class="total"' if total and index == len(rows) - 1 else ""
        cells = "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(row, kinds, strict=True))
        body.append(f"<tr{last}>{cells}</tr>")
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def listed(items: Sequence[str]) -> str:
    """Returns a list of HTML items."""
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def folded(summary: str, body: str, *, opened: bool = False) -> str:
    """Returns a collapsible block."""
    return f"<details{' open' if opened else ''}><summary>{summary}</summary>{body}</details>"


def section(name: str, title: str, *parts: str) -> str:
    """Returns a section of the page that the navigation links to."""
    return f'<section id="{name}"><h2>{text(title)}</h2>{"".join(parts)}</section>'
