"""Verifies that the intended release runs, and no other: by the product's own status report and by ECS.

Each call of the function makes only a few tries, so that it stays short.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from shared.aws import Place, Unanswered
from shared.http import request
from shared.job import Done, Failed, Job, Wait, answer
from shared.parameters import ParameterError, Parameters, digest

_MINUTES = 15
TRIES, PAUSE_SECONDS = 12, 5  # as Edenco documents
_TRIES_IN_A_CALL = 4
_DESCRIBED = 10  # services that one call of DescribeServices accepts
_TASKS = 100  # tasks that one call of DescribeTasks accepts
_SEEN = 200  # characters of an unexpected response that a message repeats

sleep = time.sleep


@dataclass(frozen=True)
class Settings:
    """The parameters of the action."""

    stack: str
    """The Edge stack, whose output Url is the product's address."""
    path: str
    """The path at which the product reports its release."""
    version: str
    digests: frozenset[str]
    cluster: str | None
    services: tuple[str, ...]
    place: Place

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        settings = cls(
            parameters.text("stack"),
            parameters.text("path"),
            parameters.text("version"),
            frozenset(digest(image) for image in parameters.texts("images")),
            parameters.optional_text("cluster"),
            parameters.texts("services"),
            Place.from_parameters(parameters),
        )
        parameters.refuse_unknown()
        if not settings.digests:
            raise ParameterError("parameter 'images' is empty: name what must run, by digest")
        if settings.services and settings.cluster is None:
            raise ParameterError("parameter 'services' needs 'cluster'")
        return settings


def main(event: dict[str, Any], _context: object) -> None:
    """Checks the release a few times."""
    answer(event, verify, minutes=_MINUTES)


def verify(job: Job) -> Done | Wait:
    """Does the next few tries of the job."""
    settings = Settings.from_parameters(job.parameters)
    url = _url_of(settings)
    last = str(job.state.get("last", "nothing yet"))
    for attempt in range(_TRIES_IN_A_CALL):
        if attempt:
            sleep(PAUSE_SECONDS)
        job.state["tries"] = int(job.number("tries")) + 1
        wrong = _not_yet(settings, url)
        if wrong is None:
            return Done(f"{url} runs {settings.version}, and nothing else", variables={"Url": _origin(url)})
        last = wrong
        if job.state["tries"] >= TRIES:
            raise Failed(f"{settings.version} was never seen running in {TRIES} tries; last seen: {last}")
    job.state["last"] = last[:_SEEN]
    return Wait(f"not yet: {last}")


def _origin(url: str) -> str:
    """Returns scheme and host of a URL: the end-to-end tests open them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _url_of(settings: Settings) -> str:
    """Returns the URL of the status report."""
    found = settings.place.outputs(settings.stack).get("Url")
    if found is None:
        raise ParameterError(f"stack {settings.stack} has no output Url")
    return found.rstrip("/") + settings.path


def _not_yet(settings: Settings, url: str) -> str | None:
    """Returns what differs from the intended release, or None."""
    return _reported(settings, url) or _running(settings)


def _reported(settings: Settings, url: str) -> str | None:
    try:
        found = request("GET", url, headers={"Accept": "application/json", "Cache-Control": "no-cache"})
    except Unanswered as error:
        return str(error)
    shown = found.body[:_SEEN].decode(errors="replace")
    if found.status != HTTPStatus.OK:
        return f"{url} answered {found.status}: {shown}"
    try:
        report = found.json()
    except ValueError:
        report = None
    if not isinstance(report, dict):
        return f"{url} answered no JSON object: {shown}"
    if report.get("version") != settings.version or report.get("image_digest") not in settings.digests:
        return f"{url} reports version {report.get('version')}, digest {report.get('image_digest')}"
    return None


def _running(settings: Settings) -> str | None:
    """Returns what ECS reports that differs: a service that is not stable, or a task with another image."""
    if not settings.services:
        return None
    ecs = settings.place.client("ecs")
    for start in range(0, len(settings.services), _DESCRIBED):
        names = list(settings.services[start : start + _DESCRIBED])
        found = ecs.describe_services(cluster=settings.cluster, services=names)
        for failure in found.get("failures", []):
            return f"service {str(failure.get('arn')).rpartition('/')[2]}: {failure.get('reason')}"
        for service in found["services"]:
            wrong = _unstable(service) or _other_image(ecs, settings, service["serviceName"])
            if wrong:
                return wrong
    return None


def _unstable(service: dict[str, Any]) -> str | None:
    name, primary = service["serviceName"], service["deployments"][0]
    if len(service["deployments"]) > 1 or primary.get("rolloutState", "COMPLETED") != "COMPLETED":
        return f"service {name} is still deploying: {primary.get('rolloutState')}"
    if service["runningCount"] < max(service["desiredCount"], 1):
        return f"service {name} runs {service['runningCount']} of {service['desiredCount']} tasks"
    return None


def _other_image(ecs: Any, settings: Settings, service: str) -> str | None:
    pages = ecs.get_paginator("list_tasks").paginate(cluster=settings.cluster, serviceName=service)
    tasks = [arn for page in pages for arn in page["taskArns"]]
    for start in range(0, len(tasks), _TASKS):
        found = ecs.describe_tasks(cluster=settings.cluster, tasks=tasks[start : start + _TASKS])["tasks"]
        for container in [container for task in found for container in task["containers"]]:
            if not _intended(container, settings.digests):
                return f"service {service} still runs {container.get('image')} ({container.get('imageDigest')})"
    return None


def _intended(container: dict[str, Any], digests: frozenset[str]) -> bool:
    """True if a container runs an intended image, by the digest in its task definition or by that of the pulled image.

    The two differ for an image of several platforms: its index names a manifest for each.
    """
    return str(container.get("image")).rpartition("@")[2] in digests or container.get("imageDigest") in digests
