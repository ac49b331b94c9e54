"""The layout of every page: its frame, style and only script. Nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from http import HTTPStatus
from pathlib import Path

from localcloud.markup import Html, fill, link
from slipway_cli.console.web import Console, Reply, at

STYLE = (Path(__file__).parent.parent / "console.css").read_text(encoding="utf-8")
SCRIPT = (Path(__file__).parent.parent / "console.js").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; "
    "connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",  # a form must send its origin
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_PAGE = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">\n'
    '<style>{style}</style></head>\n<body data-every="{every}" data-now="{now}" data-active="{active}">'
    '<header><nav aria-label="Place">{trail}</nav><p class="quiet">{whose}</p></header>'
    '<p id="connection" role="status"></p><main>{body}</main><script>{script}</script></body></html>\n'
)


def page(
    console: Console,
    title: str,
    body: Html,
    *,
    region: str = "",
    trail: tuple[tuple[str, str], ...] = (),
    active: bool = False,
    live: bool = True,
    status: int = HTTPStatus.OK,
) -> Reply:
    """Returns a page; `trail` has the names and paths of its parents and of itself."""
    chosen = region or console.region
    places = [link(at(path, region=chosen), name) for name, path in (("Pipelines", ""), *trail)]
    whole = fill(
        _PAGE,
        title=title,
        style=Html(STYLE),
        script=Html(SCRIPT),
        every=console.every if live else 0,
        now=round(console.now().timestamp(), 3),
        active="yes" if active else "",
        trail=[
            fill("{slash}{place}", slash=Html(" / ") if index else "", place=place)
            for index, place in enumerate(places)
        ],
        whose=", ".join(text for text in (console.account, chosen, "" if console.actions else "read only") if text),
        body=body,
    )
    return Reply(status, whole.encode("utf-8", "replace"), HEADERS)
