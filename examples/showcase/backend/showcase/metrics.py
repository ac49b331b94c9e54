"""The counters of the backend, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry()
REQUESTS = Counter("http_requests", "Answered requests.", ["method", "route", "status"], registry=REGISTRY)
DURATION = Histogram(
    "http_request_duration_seconds",
    "Time until the answer.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=REGISTRY,
)
