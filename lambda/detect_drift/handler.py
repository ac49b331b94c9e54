"""Detects drift every night, and keeps one open GitHub issue for each environment that has any.

One call starts the detections; later calls read what they found, so that no call waits. The issue is updated in place,
and closed when no difference is left. Nothing is reverted.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared import drift
from shared.aws import Place
from shared.drift import Difference, NotDetectable
from shared.event import UnreadableEventError
from shared.github import GitHub
from shared.parameters import Parameters
from shared.words import as_code

_LABEL = "drift"
_STARTS, _REPORTS = "start", "report"
_FRESH = timedelta(hours=1)  # the report comes within the hour after the start
_LISTED = 100  # differences in an issue, which may have 65,536 characters
_WHAT_TO_DO = (
    "To keep a change, write it into the manifest or the stacks and deploy. To undo it, set the expected value: a "
    "deployment alone does not, since CloudFormation compares templates. The next check updates or closes this issue."
)


@dataclass(frozen=True)
class Watched:
    """The stacks of one environment."""

    name: str
    place: Place
    stacks: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """The parameters of the function."""

    product: str
    repository: str
    secret: str
    environments: tuple[Watched, ...]

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        environments = []
        for name, own in parameters.tables("environments").items():
            environments.append(Watched(name, Place.from_parameters(own), own.texts("stacks")))
            own.refuse_unknown()
        settings = cls(
            parameters.text("product"), parameters.text("repository"), parameters.text("secret"), tuple(environments)
        )
        parameters.refuse_unknown()
        return settings


@dataclass(frozen=True)
class Found:
    """The differences in one environment."""

    differences: tuple[Difference, ...]
    unchecked: tuple[str, ...]
    """A sentence for each stack whose drift is not known."""


def main(event: Any, _context: object) -> None:
    """Starts the detections or reports what they found, as the event says.

    An environment whose account does not answer does not keep the others waiting; the call then fails at its end.
    """
    step = event.get("step") if isinstance(event, dict) else None
    if step not in (_STARTS, _REPORTS):
        raise UnreadableEventError(f"expected an event with the step {_STARTS} or {_REPORTS}, got {step!r}")
    settings = Settings.from_parameters(Parameters.load())
    errors = []
    for watched in settings.environments:
        try:
            if step == _STARTS:
                start(watched)
            else:
                report(settings, watched, read(watched, datetime.now(UTC) - _FRESH))
        except Exception as error:  # noqa: BLE001 - raised below, with those of the other environments
            errors.append(f"{watched.name}: {error}")
    if errors:
        raise RuntimeError("; ".join(errors))


def start(watched: Watched) -> None:
    """Starts the detection in every stack of an environment that CloudFormation can check now."""
    cloudformation = watched.place.client("cloudformation")
    for stack in drift.find(cloudformation, watched.stacks):
        with suppress(NotDetectable):  # the report names the stack and its status
            drift.start(cloudformation, stack.name)


def read(watched: Watched, since: datetime) -> Found:
    """Returns what the detections since a time have found."""
    cloudformation = watched.place.client("cloudformation")
    found: list[Difference] = []
    unchecked = []
    for stack in drift.find(cloudformation, watched.stacks):
        current = stack.checked is not None and stack.checked >= since
        differences = drift.differences(cloudformation, stack.name, since) if current else None
        if differences is None:
            unchecked.append(f"{stack.name} was not checked: its status is {stack.status}")
        else:
            found += differences
    return Found(tuple(found), tuple(unchecked))


def report(settings: Settings, watched: Watched, found: Found) -> None:
    """Opens, updates or closes the issue of an environment."""
    github = GitHub(settings.repository, settings.secret)
    mark = f"<!-- slipway drift {watched.name} -->"
    listed = github.pages(f"/issues?state=open&labels={_LABEL}&sort=created&direction=asc")
    issues = [issue for issue in listed if str(issue.get("body") or "").startswith(mark)]
    if found.differences:
        title = f"{settings.product}: {watched.name} differs from its stacks"
        body = f"{mark}\n{described(settings.product, watched.name, found)}"
        if not issues:
            github.post("/issues", {"title": title, "body": body, "labels": [_LABEL]})
        elif issues[0].get("body") != body:
            github.patch(f"/issues/{issues[0]['number']}", {"body": body})
        _close(github, issues[1:], "Another issue of this environment is open already.")
    elif not found.unchecked:  # a stack that was not checked may still differ
        _close(github, issues, f"{watched.name} is as its stacks define it.")


def described(product: str, environment: str, found: Found) -> str:
    """Returns the text of an issue: each difference, and what to do. It has no time: it changes only with them."""
    rows = [
        "| "
        + " | ".join(
            (
                as_code(difference.stack),
                f"{as_code(difference.resource)} {difference.kind}",
                as_code(difference.property) or "the resource",
                as_code(difference.expected),
                as_code(difference.actual),
            )
        )
        + " |"
        for difference in found.differences[:_LISTED]
    ]
    more = len(found.differences) - _LISTED
    return "\n".join(
        [
            f"Somebody or something changed {environment} outside of its stacks. Nothing was reverted.",
            "",
            "| stack | resource | property | expected | actual |",
            "|---|---|---|---|---|",
            *rows,
            *([f"\n{more} more: `slipway drift {environment} --product {product}`"] if more > 0 else []),
            *(f"\n{sentence}." for sentence in found.unchecked),
            "",
            _WHAT_TO_DO,
        ]
    )


def _close(github: GitHub, issues: Iterable[dict[str, Any]], why: str) -> None:
    for issue in issues:
        github.post(f"/issues/{issue['number']}/comments", {"body": why})
        github.patch(f"/issues/{issue['number']}", {"state": "closed", "state_reason": "completed"})
