"""Tells people what happened and what to do next: by SNS, Slack and Discord, where each is set up.

A channel that fails keeps none of the others back, and is named in those that work. Only if all fail does this fail,
so that Lambda's second try repeats nothing that was read.
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
from shared.http import ask
from shared.job import log, shortened
from shared.parameters import Parameters
from shared.runs import Entry, Event, Run, entries, read, told
from shared.words import for_discord, for_slack, one_line, parsed

_SUBJECT = 100  # characters SNS takes
_TEXT = 1900  # Discord takes 2000
_REASON = 700
_NO_PREVIEWS = 4  # SUPPRESS_EMBEDS: docs.discord.com/developers/resources/message#message-object-message-flags
_TRIES = 3
_REMEMBERED = 500
_seen: dict[str, None] = {}
"""Ids of events told, as long as this instance of the function lives: EventBridge delivers some twice."""


@dataclass(frozen=True)
class Settings:
    """What the function is told by its environment."""

    product: str
    topic: str | None
    slack: str | None
    """Secret with the webhook's address; so is the next."""
    discord: str | None
    releases: tuple[str, ...]
    """The pipelines whose success is a release."""

    @classmethod
    def of(cls, parameters: Parameters) -> Settings:
        """Read and check the environment once."""
        settings = cls(
            parameters.text("product"),
            parameters.maybe("topic"),
            parameters.maybe("slack_secret"),
            parameters.maybe("discord_secret"),
            parameters.texts("releases"),
        )
        parameters.done()
        return settings


@dataclass(frozen=True)
class Message:
    """What is told."""

    subject: str
    text: str


class NobodyReachedError(Exception):
    """No channel took the message."""


def main(event: dict[str, Any], _context: object) -> None:
    """Tell what an event means, if it means anything to people.

    Raises:
        NobodyReachedError: if no channel took it; Lambda calls again.
    """
    name = str(inner(event, "id") or "")
    if name in _seen:
        return
    settings = Settings.of(Parameters.of())
    message = message_of(event, settings)
    if message:
        tell(message, settings)
    if name:
        _seen[name] = None
    while len(_seen) > _REMEMBERED:
        del _seen[next(iter(_seen))]


def message_of(event: dict[str, Any], settings: Settings) -> Message | None:
    """The message of an event, or None where there is nothing to tell."""
    news, detail = Event.of(event), event["detail"]
    if "action" in detail:
        return _of_action(news, detail, settings)
    listed = told(entries(news.pipeline), news)
    own = next((each for each in listed if each.id == news.execution), None)
    status = own.status if own else news.status
    if status != news.status or status not in ("Failed", "Succeeded"):
        return None  # it has gone on since, and another event tells of that
    run = read(news.pipeline, news.execution, news.trigger)
    if run.rollback:
        return None
    if status == "Failed":
        return failure(settings.product, run)
    return _of_success(run, settings, recovered=_failed_before(own, listed))


def _of_action(news: Event, detail: dict[str, Any], settings: Settings) -> Message | None:
    if inner(detail, "type", "category") != "Approval" or detail.get("state") != "STARTED":
        return None
    run = read(news.pipeline, news.execution, news.trigger)
    return approval(settings.product, run, text(detail, "stage", "detail"))


def _of_success(run: Run, settings: Settings, *, recovered: bool) -> Message | None:
    if run.pipeline in settings.releases:
        return success(settings.product, run, recovered=recovered)
    return recovery(settings.product, run) if recovered else None


def _failed_before(own: Entry | None, listed: list[Entry]) -> bool:
    """Whether the last run before it that ended by itself has failed."""
    if own is None:
        return False
    ended = [each for each in listed if each.started < own.started and each.status in ("Failed", "Succeeded")]
    return next((each.status == "Failed" for each in ended if not each.rollback), False)


def failure(product: str, run: Run) -> Message:
    """Something failed."""
    stage = run.stage or "a stage"
    reason = shortened(run.reason or "CodePipeline gave no reason.", _REASON)
    retry = (
        "aws codepipeline retry-stage-execution --retry-mode FAILED_ACTIONS "
        f"--pipeline-name {run.pipeline} --stage-name {run.stage} --pipeline-execution-id {run.id}"
    )
    todo = "Push a fix" + (f", or retry the stage: {retry}" if run.stage else "")
    return _message(f"{product}: {stage} failed ({run.name})", run, f"{run.action}: {reason}".lstrip(": "), todo)


def recovery(product: str, run: Run) -> Message:
    """What failed before works again."""
    return _message(f"{product}: {run.pipeline} works again ({run.name})", run, "", "Nothing.")


def success(product: str, run: Run, *, recovered: bool) -> Message:
    """A release is out."""
    again = "; the pipeline works again" if recovered else ""
    return _message(f"{product}: {run.name} is released{again}", run, "", "Nothing; watch the dashboard for a while.")


def approval(product: str, run: Run, stage: str) -> Message:
    """A person must decide."""
    todo = "Look at staging, then approve or reject it where the run shows it."
    return _message(f"{product}: {stage} waits for approval ({run.name})", run, "", todo)


def _message(subject: str, run: Run, what: str, todo: str) -> Message:
    commit = f"{run.commit[:7]} {run.message}".strip()
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
    # Indented, so that no line of a build's looks like one of ours.
    lines = [what.replace("\n", "\n    ")] if what else []
    lines += [f"{name}: {one_line(value)}" for name, value in facts.items() if value]
    return Message(one_line(subject), shortened("\n".join(lines), _TEXT))


def tell(message: Message, settings: Settings) -> None:
    """Send a message on every channel there is; e-mail last, so that it can name those that failed.

    Raises:
        NobodyReachedError: if every channel failed.
    """
    whole = f"{message.subject}\n{message.text}"
    mute: dict[str, list[str]] = {"parse": []}  # a commit's message must not call everybody
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
            reached += _tried(name, failed, partial(_post, secret, body))
    topic = settings.topic
    if topic:
        note = "".join(f"\nNot delivered to {name}: {why}" for name, why in failed.items())
        reached += _tried("SNS", failed, partial(_publish, topic, Message(message.subject, message.text + note)))
    if failed and not reached:
        raise NobodyReachedError("; ".join(f"{name}: {why}" for name, why in failed.items()))


def _tried(name: str, failed: dict[str, str], send: Callable[[], None]) -> bool:
    """Whether it was sent; if not, `failed` says why."""
    try:
        send()
    except Exception as error:  # noqa: BLE001 - whatever it is, the other channels get their turn
        failed[name] = str(error)
        log.error("no message on %s: %s", name, error)  # no trace: it might show the webhook's address
        return False
    return True


def _publish(topic: str, message: Message) -> None:
    subject = shortened(message.subject, _SUBJECT).replace("\n", " ")
    plain = subject.encode("ascii", "replace").decode()  # all that SNS takes in a subject
    HERE.client("sns").publish(TopicArn=topic, Subject=plain, Message=f"{message.subject}\n{message.text}")


def _post(secret: str, body: dict[str, Any]) -> None:
    url = _webhook(HERE.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
    for attempt in range(1, _TRIES + 1):
        try:
            found = ask(
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
    """The address in a secret: plain, or {"url": …}."""
    try:
        found = parsed(value)
    except ValueError:
        return value.strip()
    return str(found["url"]) if isinstance(found, dict) and "url" in found else value.strip()
