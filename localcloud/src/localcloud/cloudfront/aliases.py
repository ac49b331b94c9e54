"""Serves a distribution with a domain name at its local URL as if the visitor had used the domain.

The domain does not lead to this machine, and the product knows no other name of its site. So a request carries the
domain in Host, Origin and Referer. In the response the local URL replaces the domain: in Location, in cookies, and in
links of HTML and JSON that are not compressed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ministack.services import cloudfront

SYMBOLS: tuple[str, ...] = ("ministack.services.cloudfront:_get_distribution_aliases",)

_LOCAL = re.compile(r"^[a-z0-9]+\.cloudfront\.(localhost|net)(:\d+)?$", re.IGNORECASE)
_LINKS = ("text/html", "application/json")
_COOKIE_DOMAIN = re.compile(r";\s*domain=[^;]*", re.IGNORECASE)


def domain(distribution: Mapping[str, Any]) -> str:
    """Returns the first domain name of a distribution, empty if it has none but CloudFront's."""
    names = [str(name) for name in cloudfront._get_distribution_aliases(distribution) if "*" not in str(name)]
    return names[0] if names else ""


def request(headers: Mapping[str, str], alias: str) -> dict[str, str]:
    """Returns a request's headers as those of a visitor who uses the domain."""
    host = headers.get("host", "")
    changed = {"host": alias}
    for name in ("origin", "referer"):
        scheme, _, rest = headers.get(name, "").partition("://")
        if scheme in {"http", "https"} and (rest == host or rest.startswith(f"{host}/")):
            changed[name] = f"https://{alias}{rest.removeprefix(host)}"
    return {**headers, **changed}


def concerns(headers: Mapping[str, str], alias: str) -> bool:
    """True if a request for a distribution uses its local name although it has a domain."""
    return bool(alias) and bool(_LOCAL.match(headers.get("host", "")))


def response(answer: tuple[int, Mapping[str, Any], Any], host: str, alias: str) -> tuple[int, dict[str, Any], Any]:
    """Returns a response with the local URL in place of the domain."""
    status, headers, body = answer
    changed = {name: _header(name.lower(), value, host, alias) for name, value in headers.items()}
    kind = _value(headers, "content-type").partition(";")[0].strip().lower()
    if kind in _LINKS and isinstance(body, bytes) and not _value(headers, "content-encoding"):
        body = body.replace(f"https://{alias}".encode(), f"http://{host}".encode())
        changed = {
            name: str(len(body)) if name.lower() == "content-length" else value for name, value in changed.items()
        }
    return status, changed, body


def _value(headers: Mapping[str, Any], wanted: str) -> str:
    return next((str(value) for name, value in headers.items() if name.lower() == wanted), "")


def _header(name: str, value: Any, host: str, alias: str) -> Any:
    if name == "set-cookie":
        return [_cookie(text) for text in value] if isinstance(value, list) else _cookie(str(value))
    if name in {"location", "access-control-allow-origin"}:
        return re.sub(rf"^https://{re.escape(alias)}(?=[/?#]|$)", f"http://{host}", str(value))
    return value


def _cookie(text: str) -> str:
    return _COOKIE_DOMAIN.sub("", text)
