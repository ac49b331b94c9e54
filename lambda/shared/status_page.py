"""The page at which a product reports its own release."""

from __future__ import annotations

import json
from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlsplit

from shared.aws import Unanswered
from shared.http import request

_SEEN = 200  # characters of an unexpected response that a message repeats


def origin(url: str) -> str:
    """Returns scheme and host of a URL: the end-to-end tests open them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def other_release(url: str, version: str, digests: Collection[str]) -> str | None:
    """Returns what a page reports that is not this release, in a sentence; None if it reports this release."""
    try:
        found = request("GET", url, headers={"Accept": "application/json", "Cache-Control": "no-cache"})
    except Unanswered as error:
        return str(error)
    shown = found.body[:_SEEN].decode(errors="replace")
    contract = _contract(version, digests)
    if found.status != HTTPStatus.OK:
        return f"{url} answered {found.status}: {shown}. {contract}"
    try:
        report = found.json()
    except ValueError:
        report = None
    if not isinstance(report, dict):
        return f"{url} answered no JSON object: {shown}. {contract}"
    missing = [key for key in ("version", "image_digest") if not isinstance(report.get(key), str)]
    if missing:
        got = ", ".join(f"{key} {json.dumps(report.get(key))[:_SEEN]}" for key in missing)
        return f"{url} reports {got}: {shown}. {contract}"
    reported, digest_or_uri = report["version"], report["image_digest"]
    if reported != version or digest_or_uri.rpartition("@")[2] not in digests:
        return f"{url} reports version {reported}, digest {digest_or_uri}"
    return None


def _contract(version: str, digests: Collection[str]) -> str:
    """Returns what the page must answer, and how to do without it."""
    example = json.dumps({"version": version, "image_digest": min(digests)})
    return (
        f"Write a page that returns 200 and {example}, i.e. the variable RELEASE_VERSION and the part of RELEASE_IMAGE "
        "after the @ (docs/pipelines.md), or remove pipeline.verify from the manifest: the target alone is then asked"
    )
