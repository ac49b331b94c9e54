"""Common parts of responses: pages of a list, tags, and members without a value."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from localcloud.ssm.errors import ServiceError


def page(rows: Sequence[Any], member: str, request: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Returns the page of a list that a request asks for; `size` rows if it gives no MaxResults.

    Raises:
        ServiceError: `InvalidNextToken`.
    """
    start = _start(request.get("NextToken"))
    end = start + int(request.get("MaxResults") or size)
    more = {"NextToken": base64.b64encode(f"after {end}".encode()).decode()} if end < len(rows) else {}
    return {member: list(rows[start:end]), **more}


def _start(token: str | None) -> int:
    if not token:
        return 0
    try:
        word, number = base64.b64decode(token, validate=True).decode().split()
        if word == "after":
            return int(number)
    except (ValueError, binascii.Error):
        pass
    raise ServiceError("InvalidNextToken", "The specified token is not valid.")


def tags(listed: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Returns a request's tags by their keys."""
    return {tag["Key"]: tag["Value"] for tag in listed or ()}


def tag_list(known: Mapping[str, str]) -> list[dict[str, str]]:
    """Returns tags as a list, as answers have them."""
    return [{"Key": key, "Value": value} for key, value in known.items()]


def present(members: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the members of an answer that have a value."""
    return {key: value for key, value in members.items() if value not in (None, "", [], {})}
