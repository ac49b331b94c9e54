"""Renders untrusted Markdown as safe HTML: no scripts, no images, no raw HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from localcloud.markup import Html

_ADDRESS = re.compile(r"https?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]]")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SHORT = re.compile(r"/(?:(?:pull|issues)/(\d+)|commit/([0-9a-f]{7})[0-9a-f]*|compare/(\S+)|commits/(\S+))")


def _no_markup(_renderer: Any, tokens: Sequence[Token], index: int, _options: Any, _environment: Any) -> str:
    """HTML is escaped and its comments are removed: the event handlers store markers in comments."""
    return escape(_COMMENT.sub("", tokens[index].content))


def _renderer() -> MarkdownIt:
    # Images are not rendered: a page loads nothing from other origins.
    made = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("image")
    made.core.ruler.push("addresses", _addresses)
    for kind in ("html_block", "html_inline"):
        made.add_render_rule(kind, _no_markup)
    return made


def _addresses(state: Any) -> None:
    """Turn bare URLs into links; those of the repository are abbreviated."""
    for block in state.tokens:
        if block.type == "inline" and block.children:
            block.children = list(_linked(block.children, state.env.get("page", "")))


def _linked(tokens: Sequence[Token], page: str) -> list[Token]:
    found: list[Token] = []
    depth = 0
    for token in tokens:
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type != "text" or depth:
            found.append(token)
            continue
        at = 0
        for match in _ADDRESS.finditer(token.content):
            address = match[0]
            opening = Token("link_open", "a", 1, attrs={"href": address})
            found += [_text(token.content[at : match.start()]), opening, _text(_short(address, page))]
            found.append(Token("link_close", "a", -1))
            at = match.end()
        found.append(_text(token.content[at:]))
    return found


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _short(address: str, page: str) -> str:
    match = _SHORT.fullmatch(address.removeprefix(page)) if page and address.startswith(page) else None
    if match is None:
        return address
    return f"#{match[1]}" if match[1] else str(match[2] or match[3] or match[4])


_MARKDOWN = _renderer()


def render(text: str | None, page: str = "") -> Html:
    """Returns the HTML of a Markdown text; `page` is the URL of the repository, whose links are abbreviated."""
    return Html(_MARKDOWN.render(text or "", {"page": page}))
