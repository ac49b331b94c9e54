"""A call of the API: its repository, its fields, pages of a list, and errors in GitHub's words."""

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
_DIGITS = 9  # enough for every ID and page number, and within the integers of SQLite


class ApiError(Exception):
    """An error response of GitHub."""

    def __init__(self, status: int, message: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, list(errors)


def not_found() -> ApiError:
    """Returns the error for an object that does not exist or that the token may not access."""
    return ApiError(HTTPStatus.NOT_FOUND, "Not Found")


def invalid(resource: str, field: str, code: str = "invalid", message: str = "") -> ApiError:
    """Returns the error for a field with an invalid value."""
    error = {"resource": resource, "field": field, "code": code, **({"message": message} if message else {})}
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "Validation Failed", [error])


def malformed(message: str) -> ApiError:
    """Returns the error for a body that does not match the operation's schema."""
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, f"Invalid request.\n\n{message}")


def parsed(request: Request) -> dict[str, Any]:
    """Returns the JSON body; empty if there is none."""
    if request.method in {"GET", "HEAD"} or not request.body.strip():
        return {}
    try:
        body = json.loads(request.body)
        json.dumps(body, ensure_ascii=False).encode()  # fails for an unpaired surrogate
    except (ValueError, RecursionError) as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "Problems parsing JSON") from error
    if not isinstance(body, dict):
        raise ApiError(HTTPStatus.BAD_REQUEST, "Body should be a JSON object")
    return body


@dataclass(frozen=True)
class Call:
    """A call on one repository."""

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
        """Returns a string, or None if it is absent or null."""
        value = self.body.get(field)
        if value is None:
            return None
        if not isinstance(value, str):
            raise malformed(f"For 'properties/{field}', {json.dumps(value)[:100]} is not a string.")
        if len(value) > LONGEST:
            raise invalid("Issue", field, "custom", f"{field} is too long (maximum is {LONGEST} characters)")
        return value.replace("\0", "")

    def required(self, field: str) -> str:
        """Returns a required string."""
        if field not in self.body:
            raise malformed(f'"{field}" wasn\'t supplied.')
        value = self.text(field)
        if value is None:
            raise malformed(f"For 'properties/{field}', nil is not a string.")
        return value

    def flag(self, field: str, default: bool = False) -> bool:
        """Returns a boolean."""
        value = self.body.get(field)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise malformed(f"For 'properties/{field}', {json.dumps(value)[:100]} is not a boolean.")
        return value

    def choice(self, resource: str, field: str, values: Sequence[str]) -> str | None:
        """Returns one of the given values, or None."""
        value = self.text(field)
        if value is not None and value not in values:
            raise invalid(resource, field)
        return value

    def words(self, field: str) -> list[str]:
        """Returns a list of strings, which may also be given as objects with a name."""
        value = self.body.get(field) or []
        if not isinstance(value, list):
            raise malformed(f"For 'properties/{field}', {json.dumps(value)[:100]} is not an array.")
        names = [element.get("name") if isinstance(element, dict) else element for element in value]
        found = [name for name in names if isinstance(name, str) and name]
        if len(found) != len(names):
            raise malformed(f"For 'properties/{field}', {json.dumps(value)[:100]} does not hold strings.")
        return list(dict.fromkeys(found))

    # --- query and response ------------------------------------------------------------------------------------------

    def query_choice(self, resource: str, field: str, values: Sequence[str]) -> str:
        """Returns a parameter of the query; its default is the first of `values`."""
        value = self.request.query.get(field) or values[0]
        if value not in values:
            raise invalid(resource, field)
        return value

    def api_url(self, path: str = "") -> str:
        """Returns a URL of the API for this repository."""
        return f"{self.request.root}/api/v3/repos/{self.name}{path}"

    def page_url(self, path: str = "") -> str:
        """Returns the URL of a page of this repository."""
        return self.hub.page_url(self.name, path)

    def page(self, items: Sequence[Any]) -> Reply:
        """Returns the requested page of a list, with links to the other pages."""
        size = min(max(_number(self.request.query.get("per_page"), _PAGE), 1), _LARGEST_PAGE)
        page = max(_number(self.request.query.get("page"), 1), 1)
        last = max(-(-len(items) // size), 1)
        pages = {"prev": page - 1 if page > 1 else 0, "next": page + 1 if page < last else 0}
        pages |= {"last": last if page < last else 0, "first": 1 if page > 1 else 0}
        address = f"{self.request.root}{quote(self.request.path)}"
        links = [
            f'<{address}?{urlencode({**self.request.query, "page": number}, errors="replace")}>; rel="{name}"'
            for name, number in pages.items()
            if number
        ]
        headers = {"Link": ", ".join(links)} if links else {}
        return as_json(HTTPStatus.OK, list(items[size * (page - 1) : size * page]), headers)


def _number(text: str | None, default: int) -> int:
    usable = text is not None and text.isascii() and text.isdigit() and len(text) <= _DIGITS
    return int(text) if text is not None and usable else default


def number(text: str) -> int:
    """Returns a number from the path; the error is "Not Found" if it is not one, or too large."""
    found = _number(text, -1)
    if found < 0:
        raise not_found()
    return found
