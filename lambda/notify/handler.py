"""Notifies people of what happened and what to do next, through those of SNS, Slack and Discord that are configured.

One failing channel does not block the others; the e-mail names it. The function fails only if all channels fail, so
that Lambda's retry repeats no message that was delivered.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from shared.aws import HERE, Unanswered
from shared.event import inner, text
from shared.http import request
from shared.job import log, shortened
from shared.parameters import Parameters
from shared.runs import Entry, Event, Run, entries, read, updated
from shared.words import for_discord, for_slack, one_line, parsed

_SUBJECT = 100  # characters that SNS accepts
_TEXT = 1900  # characters; Discord accepts 2000
_REASON = 700
_NO_PREVIEWS = 4  # SUPPRESS_EMBEDS: docs.discord.com/developers/resources/message#message-object-message-flags
_TRIES = 3
_REMEMBERED = 500
_seen: dict[str, None] = {}
"""Ids of handled events, as long as this instance of the function exists: EventBridge delivers some events twice."""


@dataclass(frozen=True)
class Settings:
    """The parameters of the function, from its environment."""

    product: str
    topic: str | None
    slack: str | None
    """The secret with the webhook's URL; so is `discord`."""
    discord: str | None
    releases: tuple[str, ...]
    """The pipelines whose success is a release."""

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        settings = cls(
            parameters.text("product"),
            parameters.optional_text("topic"),
            parameters.optional_text("slack_secret"),
            parameters.optional_text("discord_secret"),
            parameters.texts("releases"),
        )
        parameters.refuse_unknown()
        return settings


@dataclass(frozen=True)
class Message:
    """A notification."""

    subject: str
    text: str


class NobodyReachedError(Exception):
    """No channel accepted the message."""


def main(event: dict[str, Any], _context: object) -> None:
    """Sends the notification for an event, if there is one.

    Raises:
        NobodyReachedError: if no channel accepted it; Lambda calls again.
    """
    event_id = str(inner(event, "id") or "")
    if event_id in _seen:
        return
    settings = Settings.from_parameters(Parameters.load())
    message = message_of(event, settings)
    if message:
        send(message, settings)
    if event_id:
        _seen[event_id] = None
    while len(_seen) > _REMEMBERED:
        del _seen[next(iter(_seen))]


def message_of(event: dict[str, Any], settings: Settings) -> Message | None:
    """Returns the message for an event, or None if people need not know of it."""
    change, detail = Event.parse(event), event["detail"]
    if "action" in detail:
        return _message_of_action(change, detail, settings)
    listed = updated(entries(change.pipeline), change)
    own = next((entry for entry in listed if entry.id == change.execution), None)
    status = own.status if own else change.status
    if status != change.status or status not in ("Failed", "Succeeded"):
        return None  # the run has changed since, and a later event reports that
    run = read(change.pipeline, change.execution, change.trigger)
    if run.rollback:
        return None
    if status == "Failed":
        return failure(settings.product, run)
    return _message_of_success(run, settings, recovered=_failed_before(own, listed))


def _message_of_action(change: Event, detail: dict[str, Any], settings: Settings) -> Message | None:
    if inner(detail, "type", "category") != "Approval" or detail.get("state") != "STARTED":
        return None
    run = read(change.pipeline, change.execution, change.trigger)
    return approval(settings.product, run, text(detail, "stage", "detail"))


def _message_of_success(run: Run, settings: Settings, *, recovered: bool) -> Message | None:
    if run.pipeline in settings.releases:
        return success(settings.product, run, recovered=recovered)
    return recovery(settings.product, run) if recovered else None


def _failed_before(own: Entry | None, listed: list[Entry]) -> bool:
    """True if the previous run that either succeeded or failed has failed."""
    if own is None:
        return False
    ended = [entry for entry in listed if entry.started < own.started and entry.status in ("Failed", "Succeeded")]
    return next((entry.status == "Failed" for entry in ended if not entry.rollback), False)


def failure(product: str, run: Run) -> Message:
    """Returns the message that a run failed."""
    stage = run.stage or "a stage"
    reason = shortened(run.reason or "CodePipeline gave no reason.", _REASON)
    retry = (
        "aws codepipeline retry-stage-execution --retry-mode FAILED_ACTIONS "
        f"--pipeline-name {run.pipeline} --stage-name {run.stage} --pipeline-execution-id {run.id}"
    )
    todo = "Push a fix" + (f", or retry the stage: {retry}" if run.stage else "")
    return _message(f"{product}: {stage} failed ({run.name})", run, f"{run.action}: {reason}".lstrip(": "), todo)


def recovery(product: str, run: Run) -> Message:
    """Returns the message that a pipeline works again after a failure."""
    return _message(f"{product}: {run.pipeline} works again ({run.name})", run, "", "Nothing.")


def success(product: str, run: Run, *, recovered: bool) -> Message:
    """Returns the message that a version was released."""
    again = "; the pipeline works again" if recovered else ""
    return _message(f"{product}: {run.name} is released{again}", run, "", "Nothing; watch the dashboard for a while.")


def approval(product: str, run: Run, stage: str) -> Message:
    """Returns the message that a run waits for an approval."""
    todo = "Look at staging, then approve or reject it on the page of the run."
    return _message(f"{product}: {stage} waits for approval ({run.name})", run, "", todo)


def _message(subject: str, run: Run, what: str, todo: str) -> Message:
    commit = f"{run.commit[:7]} {run.subject}".strip()
    facts = {
        "Pipeline": run.pipeline,
        "Stage": run.stage,
        "Version": run.name,
        "Branch": run.group,
        "Commit": commit,
        "Author": run.author,
        "Run": run.link,
        "What to do": todo,
    }
    # Indented, so that no line of a build's output looks like one of ours.
    lines = [what.replace("\n", "\n    ")] if what else []
    lines += [f"{name}: {one_line(value)}" for name, value in facts.items() if value]
    return Message(one_line(subject), shortened("\n".join(lines), _TEXT))


def send(message: Message, settings: Settings) -> None:
    """Sends a message through every configured channel; e-mail is last, so that it can name those that failed.

    Raises:
        NobodyReachedError: if every channel failed.
    """
    whole = f"{message.subject}\n{message.text}"
    mute: dict[str, list[str]] = {"parse": []}  # a commit message must not notify everybody
    hooks: dict[str, tuple[str | None, dict[str, Any]]] = {
        "Slack": (settings.slack, {"text": for_slack(whole), "unfurl_links": False, "unfurl_media": False}),
        "Discord": (
            settings.discord,
            {"content": shortened(for_discord(whole), _TEXT), "allowed_mentions": mute, "flags": _NO_PREVIEWS},
        ),
    }
    failed: dict[str, str] = {}
    reached = 0
    for name, (secret, body) in hooks.items():
        if secret:
            reached += _delivered(name, failed, partial(_post, secret, body))
    topic = settings.topic
    if topic:
        note = "".join(f"\nNot delivered to {name}: {why}" for name, why in failed.items())
        reached += _delivered("SNS", failed, partial(_publish, topic, Message(message.subject, message.text + note)))
    if failed and not reached:
        raise NobodyReachedError("; ".join(f"{name}: {why}" for name, why in failed.items()))


def _delivered(name: str, failed: dict[str, str], deliver: Callable[[], None]) -> bool:
    """Delivers a message; True on success, else the reason is added to `failed`."""
    try:
        deliver()
    except Exception as error:  # noqa: BLE001 - no error of a channel may block the others
        failed[name] = str(error)
        log.error("%s did not accept the message: %s", name, error)  # a traceback could contain the webhook's URL
        return False
    return True


def _publish(topic: str, message: Message) -> None:
    subject = shortened(message.subject, _SUBJECT).replace("\n", " ")
    plain = subject.encode("ascii", "replace").decode()  # SNS accepts only ASCII in a subject
    HERE.client("sns").publish(TopicArn=topic, Subject=plain, Message=f"{message.subject}\n{message.text}")


def _post(secret: str, body: dict[str, Any]) -> None:
    url = _webhook(HERE.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
    for attempt in range(1, _TRIES + 1):
        try:
            found = request(
                "POST",
                url,
                headers={"Content-Type": "application/json", "User-Agent": "slipway"},
                body=json.dumps(body).encode(),
            )
        except Unanswered:
            if attempt == _TRIES:
                raise
            continue
        if found.status < HTTPStatus.MULTIPLE_CHOICES:
            return
        if found.status < HTTPStatus.INTERNAL_SERVER_ERROR or attempt == _TRIES:
            raise Unanswered(f"the webhook answered {found.status}")


def _webhook(value: str) -> str:
    """Returns the URL in a secret, which is plain or {"url": …}."""
    try:
        found = parsed(value)
    except ValueError:
        return value.strip()
    return str(found["url"]) if isinstance(found, dict) and "url" in found else value.strip()
