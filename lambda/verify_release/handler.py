"""Verifies that the intended release runs, and no other: by ECS, and by the product's own status report if it has one.

Each call of the function makes only a few tries, so that it stays short.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from shared.aws import Place
from shared.job import Done, Failed, Job, Wait, answer
from shared.parameters import ParameterError, Parameters, digest
from shared.status_page import origin, other_release

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

    stack: str | None
    """The Edge stack, whose output Url is the product's address; None if no action needs the address."""
    path: str | None
    """The path at which the product reports its release; None to ask ECS alone."""
    version: str
    digests: frozenset[str]
    cluster: str | None
    services: tuple[str, ...]
    place: Place

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        settings = cls(
            parameters.optional_text("stack"),
            parameters.optional_text("path"),
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
        if settings.path and settings.stack is None:
            raise ParameterError("parameter 'path' needs 'stack', whose output Url is the product's address")
        if not settings.path and not settings.services:
            raise ParameterError("parameters 'path' and 'services' are both empty: nothing would be verified")
        return settings


def main(event: dict[str, Any], _context: object) -> None:
    """Checks the release a few times."""
    answer(event, verify, minutes=_MINUTES)


def verify(job: Job) -> Done | Wait:
    """Does the next few tries of the job."""
    settings = Settings.from_parameters(job.parameters)
    url = _url_of(settings)
    variables = {"Url": origin(url)} if url else {}
    last = str(job.state.get("last", "nothing yet"))
    for attempt in range(_TRIES_IN_A_CALL):
        if attempt:
            sleep(PAUSE_SECONDS)
        job.state["tries"] = int(job.number("tries")) + 1
        wrong = _not_yet(settings, url)
        if wrong is None:
            return Done(f"{url or settings.cluster} runs {settings.version}, and nothing else", variables=variables)
        last = wrong
        if job.state["tries"] >= TRIES:
            raise Failed(f"{settings.version} was never seen running in {TRIES} tries; last seen: {last}")
    job.state["last"] = last[:_SEEN]
    return Wait(f"not yet: {last}")


def _url_of(settings: Settings) -> str | None:
    """Returns the product's address, with the path of the status report if there is one; None without a stack."""
    if settings.stack is None:
        return None
    found = settings.place.outputs(settings.stack).get("Url")
    if found is None:
        raise ParameterError(f"stack {settings.stack} has no output Url")
    return found.rstrip("/") + (settings.path or "")


def _not_yet(settings: Settings, url: str | None) -> str | None:
    """Returns what differs from the intended release, or None."""
    reported = other_release(url, settings.version, settings.digests) if settings.path and url else None
    return reported or _running(settings)


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
    if primary.get("rolloutState") == "FAILED":
        return f"the deployment of service {name} failed: {primary.get('rolloutStateReason')}"
    if len(service["deployments"]) > 1 or primary.get("rolloutState", "COMPLETED") != "COMPLETED":
        return f"service {name} is still deploying: {primary.get('rolloutState')}"
    if service["runningCount"] < max(service["desiredCount"], 1):
        return f"service {name} runs {service['runningCount']} of {service['desiredCount']} tasks"
    return None


def _other_image(ecs: Any, settings: Settings, service: str) -> str | None:
    pages = ecs.get_paginator("list_tasks").paginate(cluster=settings.cluster, serviceName=service)
    tasks = [arn for page in pages for arn in page["taskArns"]]
    if not tasks:
        return f"service {service} lists no task"
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
