"""Pages to look at what a delivery did."""

from __future__ import annotations

from http import HTTPStatus

from local.github.hub import Hub
from local.github.web import Reply, Request, as_text


def answer(_hub: Hub, request: Request) -> Reply:
    """The page at a path."""
    return as_text(HTTPStatus.NOT_FOUND, f"There is no page {request.path}\n")
