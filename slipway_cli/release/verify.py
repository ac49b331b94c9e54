"""Verifies that a release runs: by the product's own report, or by the images of ECS's tasks."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from products import names
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.target import Target

# Edenco documents 12 tries, 5 seconds apart.
_TRIES = 12
_PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Returns the body as JSON.

        Raises:
            ValueError: if the body is not JSON, or is nested too deeply for Python.
        """
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("the JSON is nested too deeply") from error


def get(url: str, *, method: str = "GET", body: bytes | None = None, content_type: str | None = None) -> Answer:
    """Sends one request. `*.localhost` is resolved to loopback (RFC 6761), regardless of the system's resolver.

    Raises:
        OSError: if there is no answer.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    connection_type = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    loopback = host == "localhost" or host.endswith(".localhost")
    connection = connection_type("127.0.0.1" if loopback else host, parts.port, timeout=30)
    headers = {"Host": parts.netloc, **({"Content-Type": content_type} if content_type else {})}
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return Answer(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def verify(url: str, version: str, digests: set[str]) -> dict[str, Any]:
    """Waits until the page at `url` reports the release, and returns its report.

    Raises:
        ReleaseError: if it never does; with the last answer.
    """
    last = "no answer"
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE_SECONDS)
        try:
            answer = get(url)
        except OSError as error:
            last = str(error)
            continue
        if answer.status == http.HTTPStatus.OK:
            report = _report(answer)
            if report.get("version") == version and str(report.get("image_digest")).rpartition("@")[2] in digests:
                return report
            last = f"version {report.get('version')}, digest {report.get('image_digest')}: {answer.body[:200]!r}"
        else:
            last = f"HTTP {answer.status}: {answer.body[:200]!r}"
    example = json.dumps({"version": version, "image_digest": min(digests, default="sha256:…")})
    raise ReleaseError(
        f"{url} never reported version {version}; last: {last}. It must return 200 and {example} (docs/pipelines.md); "
        "without such a page, remove pipeline.verify from the manifest"
    )


def verify_tasks(target: Target, images: dict[str, str]) -> None:
    """Verifies that each service has a complete deployment, whose tasks run the images of the release.

    Raises:
        ReleaseError: if a service does not, with its name and what it runs instead.
    """
    ecs, cluster = target.client("ecs"), names.cluster(target.environment, target.product.name)
    for name, service in target.product.services_in(target.environment).items():
        physical = names.service(target.environment, target.product.name, name)
        wanted = images[service.image].rpartition("@")[2]
        found = ecs.describe_services(cluster=cluster, services=[physical])["services"]
        running = int(found[0]["runningCount"]) if found else 0
        if not running or len(found[0]["deployments"]) > 1 or found[0]["deployments"][0]["rolloutState"] != "COMPLETED":
            raise ReleaseError(f"service {physical} is not stable: it runs {running} tasks; see its events")
        pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster, serviceName=physical)
        for page in pages:
            tasks = ecs.describe_tasks(cluster=cluster, tasks=page["taskArns"])["tasks"] if page["taskArns"] else []
            for container in [container for task in tasks for container in task["containers"]]:
                if wanted not in (str(container.get("image")).rpartition("@")[2], container.get("imageDigest")):
                    raise ReleaseError(f"service {physical} runs {container.get('image')} instead of {wanted}")


def _report(answer: Answer) -> dict[str, Any]:
    """Returns the JSON object of a status page; empty if it is none."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
