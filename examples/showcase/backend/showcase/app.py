"""The application: pages for people, /health for the load balancer, /status for releases, /metrics for Prometheus."""

from __future__ import annotations

import json
import os
import time
import tomllib
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from showcase import experiences
from showcase.metrics import DURATION, REGISTRY, REQUESTS

Environ = dict[str, Any]
Start = Callable[[str, list[tuple[str, str]]], object]
Answer = tuple[HTTPStatus, str, bytes]

_PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
_JSON = "application/json"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def version() -> str:
    """Returns the version of the release, or of the source."""
    written = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"]
    return os.environ.get("RELEASE_VERSION") or str(written)


def application(environ: Environ, start: Start) -> Iterable[bytes]:
    """Answers a request, and counts it."""
    began = time.monotonic()
    path, method = environ.get("PATH_INFO") or "/", environ["REQUEST_METHOD"]
    route, answer = _route(path)
    status, kind, body = answer(environ) if method in ("GET", "HEAD") else _refused()
    # A client chooses the method: an unknown one would be a series of its own, and any number of them a full memory.
    REQUESTS.labels(method if method in _METHODS else "other", route, str(status.value)).inc()
    DURATION.labels(route).observe(time.monotonic() - began)
    start(f"{status.value} {status.phrase}", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [] if method == "HEAD" else [body]


def _route(path: str) -> tuple[str, Callable[[Environ], Answer]]:
    routes: dict[str, Callable[[Environ], Answer]] = {
        "/": _page,
        "/health": _health,
        "/status": _status,
        "/metrics": _metrics,
        "/api/experiences": _list,
    }
    if path in routes:
        return path, routes[path]
    if path.startswith("/api/experiences/"):
        return "/api/experiences/{id}", _one
    return "other", _missing


def _json(value: object, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    return status, _JSON, json.dumps(value).encode()


def _refused() -> Answer:
    return _json({"error": "only GET is answered"}, HTTPStatus.METHOD_NOT_ALLOWED)


def _missing(_environ: Environ) -> Answer:
    return _json({"error": "there is nothing here"}, HTTPStatus.NOT_FOUND)


def _page(_environ: Environ) -> Answer:
    rows = "".join(f"<li>{entry['title']}: {entry['lesson']}</li>" for entry in experiences.listed())
    page = f"<!doctype html><title>Showcase</title><h1>Production experience</h1><ul>{rows}</ul><p>Version {version()}"
    return HTTPStatus.OK, "text/html; charset=utf-8", page.encode()


def _health(_environ: Environ) -> Answer:
    return HTTPStatus.OK, "text/plain", b"ok"


def _status(_environ: Environ) -> Answer:
    return _json({"version": version(), "image_digest": os.environ.get("RELEASE_IMAGE", "").rpartition("@")[2]})


def _metrics(environ: Environ) -> Answer:
    # Prometheus asks a task itself. The load balancer adds this header to every request, so who comes from outside
    # cannot leave it out.
    if "HTTP_X_FORWARDED_FOR" in environ:
        return _missing(environ)
    return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(REGISTRY)


def _list(_environ: Environ) -> Answer:
    return _json({"experiences": experiences.listed()})


def _one(environ: Environ) -> Answer:
    found = experiences.found(environ["PATH_INFO"].rpartition("/")[2])
    return _json(found) if found else _missing(environ)
