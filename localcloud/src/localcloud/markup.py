"""HTML templates: every value that is not HTML already is escaped when it is inserted."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import quote


class Html(str):
    """A string that is HTML already, and is therefore not escaped."""

    __slots__ = ()


def fill(template: str, **values: object) -> Html:
    """Returns a template with its values, which are escaped."""
    return Html(template.format(**{name: safe(value) for name, value in values.items()}))


def safe(value: object) -> Html:
    """Returns a value as HTML; the elements of a list are concatenated."""
    if isinstance(value, Html):
        return value
    if isinstance(value, (list, tuple)):
        return Html("".join(safe(element) for element in value))
    return Html(escape("" if value is None else str(value)))


def join(parts: Iterable[object], between: str = "") -> Html:
    """Returns the parts as HTML, with a separator between them."""
    return Html(safe(between).join(safe(part) for part in parts))


def link(address: str, text: object) -> Html:
    """Returns a link, or only its text if the URL is neither HTTP nor a path on this server."""
    if not address.startswith(("http://", "https://", "/")) or address.startswith("//"):
        return safe(text)
    return fill('<a href="{address}">{text}</a>', address=quote(address, safe="/:?=&#%+,.~@!$'()*;[]"), text=text)


def moment(text: str | None) -> Html:
    """Returns a time in readable form."""
    if not text:
        return Html("")
    return fill('<time datetime="{text}">{short}</time>', text=text, short=text[:16].replace("T", " "))
