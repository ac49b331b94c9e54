"""Markup with values in it: whatever is not markup already is escaped where it is filled in."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import quote


class Html(str):
    """Text that is markup already: everything else is escaped where it is filled in."""

    __slots__ = ()


def fill(template: str, **values: object) -> Html:
    """Markup with values in it."""
    return Html(template.format(**{name: safe(value) for name, value in values.items()}))


def safe(value: object) -> Html:
    """A value as markup; of a list, one after the other."""
    if isinstance(value, Html):
        return value
    if isinstance(value, (list, tuple)):
        return Html("".join(safe(one) for one in value))
    return Html(escape("" if value is None else str(value)))


def join(parts: Iterable[object], between: str = "") -> Html:
    """Parts, with something between them."""
    return Html(safe(between).join(safe(one) for one in parts))


def link(address: str, text: object) -> Html:
    """A link, if the address is one of the web or of this server; its text alone otherwise."""
    if not address.startswith(("http://", "https://", "/")) or address.startswith("//"):
        return safe(text)
    return fill('<a href="{address}">{text}</a>', address=quote(address, safe="/:?=&#%+,.~@!$'()*;[]"), text=text)


def moment(text: str | None) -> Html:
    """A point in time, as a person reads it."""
    if not text:
        return Html("")
    return fill('<time datetime="{text}">{short}</time>', text=text, short=text[:16].replace("T", " "))
