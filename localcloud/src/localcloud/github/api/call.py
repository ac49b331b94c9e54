"""One call of the API: what it is about, its fields, pages of a list, and refusals as GitHub words them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from localcloud.github.hub import Hub
from localcloud.github.repositories import Repository
from localcloud.github.web import Reply, Request, as_json

LONGEST = 65536
_PAGE, _LARGEST_PAGE = 30, 100
_DIGITS = 9  # fewer than any id needs, and no page beyond what SQLite and Python count


class ApiError(Exception):
    """GitHub says no."""

    def __init__(self, status: int, message: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, list(errors)


def not_found() -> ApiError:
    """What is not there, or not for this token."""
    return ApiError(HTTPStatus.NOT_FOUND, "Not Found")


def invalid(resource: str, field: str, code: str = "invalid", message: str = "") -> ApiError:
    """A field that cannot be."""
    error = {"resource": resource, "field": field, "code": code, **({"message": message} if message else {})}
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "Validation Failed", [error])


def malformed(message: str) -> ApiError:
    """A body that does not follow the description of the call."""
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, f"Invalid request.\n\n{message}")


def parsed(request: Request) -> dict[str, Any]:
    """The body; without one, nothing is set."""
    if request.method in {"GET", "HEAD"} or not request.body.strip():
        return {}
    try:
        body = json.loads(request.body)
        json.dumps(body, ensure_ascii=False).encode()  # a lone surrogate is no text
    except (ValueError, RecursionError) as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "Problems parsing JSON") from error
    if not isinstance(body, dict):
        raise ApiError(HTTPStatus.BAD_REQUEST, "Body should be a JSON object")
    return body


@dataclass(frozen=True)
class Call:
    """A call about one repository."""

    hub: Hub
    request: Request
    repository: Repository
    body: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The repository's name."""
        return self.repository.name

    # --- fields of the body ------------------------------------------------------------------------------------------

    def text(self, field: str) -> str | None:
        """A text, or None where it is absent or null."""
        value = self.body.get(field)
        if value is None:
            return None
        if not isinstance(value, str):
            raise malformed(f"For 'properties/{field}', {json.dumps(value)[:100]} is not a string.")
        if len(value) > LONGEST:
            raise invalid("Issue", field, "custom", f"{field} is too long (maximum is {LONGEST} characters)")
        return value.replace("\0", "")

    def required(self, field: str) -> str:
        """A text that must be there."""
        if field not in self.body:
            raise malformed(f'"{field}" wasn\'t supplied.')
        value = self.text(field)
        if value is None:
            raise malformed(f"For 'properties/{field}', nil is not a string.")
        return value

    def flag(self, field: str, default: bool = False) -> bool:
        """True or false."""
        value = self.body.get(field)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise malformed(f"For 'properties/{field}', {json.dumps(value)[:100]} is not a boolean.")
        return value

    def choice(self, resource: str, field: str, values: Sequence[str]) -> str | None:
        """One of some words, or None."""
        value = self.text(field)
        if value is not None and value not in values:
            raise invalid(resource, field)
        return value

    def words(self, field: str) -> list[str]:
        """A list of texts, or of objects with a name."""
        value = self.body.get(field) or []
        if not isinstance(value, list):
            raise malformed(f"For 'properties/{field}', {json.dumps(value)[:100]} is not an array.")
        named = [one.get("name") if isinstance(one, dict) else one for one in value]
        found = [one for one in named if isinstance(one, str) and one]
        if len(found) != len(named):
            raise malformed(f"For 'properties/{field}', {json.dumps(value)[:100]} does not hold strings.")
        return list(dict.fromkeys(found))

    # --- answers -----------------------------------------------------------------------------------------------------

    def asked(self, resource: str, field: str, values: Sequence[str]) -> str:
        """A word of the query: the first of `values` by default."""
        value = self.request.query.get(field) or values[0]
        if value not in values:
            raise invalid(resource, field)
        return value

    def api(self, path: str = "") -> str:
        """An address of the API, of this repository."""
        return f"{self.request.root}/api/v3/repos/{self.name}{path}"

    def html(self, path: str = "") -> str:
        """A page of this repository."""
        return self.hub.html(self.name, path)

    def page(self, items: Sequence[Any]) -> Reply:
        """The asked part of a list, with the addresses of the others."""
        size = min(max(_number(self.request.query.get("per_page"), _PAGE), 1), _LARGEST_PAGE)
        page = max(_number(self.request.query.get("page"), 1), 1)
        last = max(-(-len(items) // size), 1)
        places = {"prev": page - 1 if page > 1 else 0, "next": page + 1 if page < last else 0}
        places |= {"last": last if page < last else 0, "first": 1 if page > 1 else 0}
        address = f"{self.request.root}{quote(self.request.path)}"
        links = [
            f'<{address}?{urlencode({**self.request.query, "page": number}, errors="replace")}>; rel="{name}"'
            for name, number in places.items()
            if number
        ]
        headers = {"Link": ", ".join(links)} if links else {}
        return as_json(HTTPStatus.OK, list(items[size * (page - 1) : size * page]), headers)


def _number(text: str | None, default: int) -> int:
    usable = text is not None and text.isascii() and text.isdigit() and len(text) <= _DIGITS
    return int(text) if text is not None and usable else default


def number(text: str) -> int:
    """A number of a path; one that is none, or beyond any, is not there."""
    found = _number(text, -1)
    if found < 0:
        raise not_found()
    return found
