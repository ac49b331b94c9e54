"""Serves a distribution at its local URL as if the visitor had used its name on AWS.

That name, the distribution's domain or else CloudFront's own, does not lead to this machine, and the product knows no
other name of its site. So a request carries it in Host, Origin and Referer. In the response the local URL replaces it:
in Location, in cookies, and in links of HTML and JSON that are not compressed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ministack.services import cloudfront

SYMBOLS: tuple[str, ...] = ("ministack.services.cloudfront:_get_distribution_aliases",)

_LOCAL = re.compile(r"^[a-z0-9]+\.cloudfront\.(localhost(:\d+)?|net:\d+)$", re.IGNORECASE)
_LINKS = ("text/html", "application/json")
_COOKIE_DOMAIN = re.compile(r";\s*domain=[^;]*", re.IGNORECASE)


def on_aws(distribution: Mapping[str, Any]) -> str:
    """Returns the first domain name of a distribution, or CloudFront's if it has none."""
    names = [str(name) for name in cloudfront._get_distribution_aliases(distribution) if "*" not in str(name)]
    return names[0] if names else str(distribution["DomainName"])


def request(headers: Mapping[str, str], name: str) -> dict[str, str]:
    """Returns a request's headers as those of a visitor who uses the name on AWS."""
    host = headers.get("host", "")
    changed = {"host": name}
    for header in ("origin", "referer"):
        scheme, _, rest = headers.get(header, "").partition("://")
        if scheme in {"http", "https"} and (rest == host or rest.startswith(f"{host}/")):
            changed[header] = f"https://{name}{rest.removeprefix(host)}"
    return {**headers, **changed}


def local(headers: Mapping[str, str]) -> bool:
    """True if a request for a distribution uses its local URL."""
    return bool(_LOCAL.match(headers.get("host", "")))


def response(answer: tuple[int, Mapping[str, Any], Any], host: str, name: str) -> tuple[int, dict[str, Any], Any]:
    """Returns a response with the local URL, of the host in the request, in place of the name on AWS."""
    status, headers, body = answer
    changed = {header: _header(header.lower(), value, host, name) for header, value in headers.items()}
    kind = _value(headers, "content-type").partition(";")[0].strip().lower()
    if kind in _LINKS and isinstance(body, bytes) and not _value(headers, "content-encoding"):
        whole_name = re.compile(rf"https://{re.escape(name)}(?!-|\.?[A-Za-z0-9])".encode())  # not bookstall.example.org
        body = whole_name.sub(f"http://{host}".encode(), body)
        changed |= {header: str(len(body)) for header in changed if header.lower() == "content-length"}
    return status, changed, body


def _value(headers: Mapping[str, Any], wanted: str) -> str:
    return next((str(value) for header, value in headers.items() if header.lower() == wanted), "")


def _header(header: str, value: Any, host: str, name: str) -> Any:
    if header == "set-cookie":
        return [_cookie(text) for text in value] if isinstance(value, list) else _cookie(str(value))
    if header in {"location", "access-control-allow-origin"}:
        return re.sub(rf"^https://{re.escape(name)}(?=[/?#]|$)", f"http://{host}", str(value))
    return value


def _cookie(text: str) -> str:
    return _COOKIE_DOMAIN.sub("", text)
