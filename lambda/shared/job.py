"""A CodePipeline job: its parameters, its state between calls, and exactly one answer to it, whatever happens.

CodePipeline waits 20 minutes for an answer and then fails the action without a reason; an answer with a continuation
token makes it call again, with that token. The event carries credentials of the artifacts, so it is never logged.
docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Lambda.html
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.aws import HERE, code, denied, transient, with_keys
from shared.event import inner, text
from shared.parameters import ParameterError, Parameters
from shared.words import parsed

_JOB = "CodePipeline.job"
_KEYS = ("accessKeyId", "secretAccessKey", "sessionToken")
_FOREIGN = "this handler did not write the continuation token"
_TOKEN_LIMIT = 2048
_SUMMARY_LIMIT = 2048
_MESSAGE_LIMIT = 5000
_REFERENCE_LIMIT = 1500
# The job has been answered: by us, but the confirmation was lost, or by a duplicate of this event.
_ANSWERED = frozenset({"InvalidJobStateException", "JobNotFoundException", "InvalidJobException"})

log = logging.getLogger()
now: Callable[[], float] = time.time


@dataclass(frozen=True)
class Done:
    """The action succeeded."""

    summary: str
    reference: str | None = None
    """The id of what the action created: a task, an invalidation."""
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wait:
    """The action is still in progress: CodePipeline must call again."""

    summary: str
    reference: str | None = None


class Failed(Exception):  # noqa: N818 - an outcome, like Done and Wait
    """The action failed; the message says what failed, why, and what to do."""

    def __init__(self, message: str, *, kind: str = "JobFailed", reference: str | None = None) -> None:
        super().__init__(message)
        self.kind, self.reference = kind, reference


@dataclass(frozen=True)
class Artifact:
    """An input artifact: a zip file in the pipeline's bucket, which only the job's own credentials open."""

    bucket: str
    key: str
    _credentials: dict[str, str] = field(repr=False)

    def client(self) -> Any:
        """Returns a boto3 client of S3 that may read the artifact."""
        return with_keys("s3", self._credentials)


class Job:
    """One action of one pipeline run, across all calls of the function."""

    def __init__(self, event: dict[str, Any], minutes: float) -> None:
        data = self._data = inner(event, _JOB, "data")
        self.parameters = Parameters.load(inner(data, "actionConfiguration", "configuration", "UserParameters"))
        self.minutes = self.parameters.number("deadline_minutes", minutes, minimum=1, maximum=1380)
        self.state: dict[str, Any] = _state(inner(data, "continuationToken"))
        # The id of the first job: duplicates and continuations keep it, a retried stage gets another.
        self.key = str(self.state.setdefault("key", str(inner(event, _JOB, "id"))))
        self.started = self.number("started", int(now()))
        self.number("until", int(now() + 60 * self.minutes))

    def artifact(self, name: str) -> Artifact:
        """Returns an input artifact.

        Raises:
            ParameterError: if the action has no artifact of this name.
        """
        found = inner(self._data, "inputArtifacts")
        for artifact in found if isinstance(found, list) else []:
            if inner(artifact, "name") == name:
                place = inner(artifact, "location", "s3Location")
                keys = inner(self._data, "artifactCredentials")
                named = {key: text(keys, key, "artifactCredentials") for key in _KEYS}
                return Artifact(text(place, "bucketName", "s3Location"), text(place, "objectKey", "s3Location"), named)
        raise ParameterError(f"the action has no input artifact {name}: add it to the action")

    @property
    def overdue(self) -> bool:
        """True if the deadline has passed."""
        return now() >= self.number("until")

    def extend(self, minutes: float) -> None:
        """Moves the deadline to this many minutes from now."""
        self.state["until"] = int(now() + 60 * minutes)

    def seconds_since(self, mark: str) -> float:
        """Returns the seconds since this mark was first used, by this call or an earlier one."""
        return now() - self.number(mark, int(now()))

    def number(self, mark: str, default: float = 0) -> float:
        """Returns a number from the state; a missing one is set to the default."""
        value = self.state.setdefault(mark, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise Failed(_FOREIGN)
        return float(value)

    def token(self) -> str:
        """Returns the continuation token: the state, for the next call."""
        token = json.dumps(self.state, separators=(",", ":"))
        if len(token) > _TOKEN_LIMIT:
            raise Failed(f"the handler's state has {len(token)} characters; a token has at most {_TOKEN_LIMIT}")
        return token


Work = Callable[[Job], Done | Wait]
Abandon = Callable[[Job], str]


def answer(event: dict[str, Any], work: Work, *, minutes: float, abandon: Abandon | None = None) -> None:
    """Does the next step of a job and reports the outcome to CodePipeline.

    A transient fault costs a call, not the action. An action that still waits at the deadline is given up: `abandon`
    ends what was started and returns a sentence about it. Raises only if CodePipeline cannot be reached: Lambda then
    calls again with the same event, and every step finds what it did before.
    """
    job_id = text(inner(event, _JOB), "id", _JOB)
    try:
        result = _step(event, work, minutes, abandon)
    except Failed as failure:
        _fail(job_id, failure)
        return
    try:
        _succeed(job_id, result)
    except ClientError as error:
        if transient(error):
            raise
        _fail(job_id, Failed(f"CodePipeline refused the result of this step: {error}"))


@dataclass(frozen=True)
class _Result:
    outcome: Done | Wait
    token: str | None


def _step(event: dict[str, Any], work: Work, minutes: float, abandon: Abandon | None) -> _Result:
    try:
        job = Job(event, minutes)
        return _within_time(job, _tried(job, work), abandon)
    except Failed:
        raise
    except ParameterError as error:
        raise Failed(str(error), kind="ConfigurationError") from error
    except ClientError as error:
        raise Failed(str(error), kind="PermissionError" if denied(error) else "JobFailed") from error
    except BotoCoreError as error:  # raised before anything is sent: an invalid region or name
        raise Failed(str(error), kind="ConfigurationError") from error
    except Exception as error:
        log.exception("the handler failed")
        raise Failed(f"the handler failed: {type(error).__name__}: {error}") from error


def _within_time(job: Job, outcome: Done | Wait, abandon: Abandon | None) -> _Result:
    if isinstance(outcome, Done):
        return _Result(outcome, None)
    if job.overdue:
        end = _abandoned(job, abandon) if abandon else ""
        minutes = (now() - job.started) / 60
        message = f"{outcome.summary}; gave up {minutes:.0f} minutes after the start. {end}"
        raise Failed(message.strip(), reference=outcome.reference)
    return _Result(outcome, job.token())


def _tried(job: Job, work: Work) -> Done | Wait:
    try:
        return work(job)
    except Exception as error:
        if not transient(error):
            raise
        log.warning("no answer, CodePipeline will call again: %s", error)
        return Wait(f"no answer: {error}")


def _abandoned(job: Job, abandon: Abandon) -> str:
    try:
        return abandon(job)
    except Exception as error:  # noqa: BLE001 - the failure itself must be reported in any case
        log.warning("could not clean up: %s", error)
        return f"Stopping what this action started failed: {error}"


def _succeed(job_id: str, result: _Result) -> None:
    outcome = result.outcome
    details = {"summary": shortened(outcome.summary, _SUMMARY_LIMIT)}
    if outcome.reference:
        details["externalExecutionId"] = shortened(outcome.reference, _REFERENCE_LIMIT)
    answer: dict[str, Any] = {"jobId": job_id, "executionDetails": details}
    if isinstance(outcome, Done):
        if outcome.variables:
            answer["outputVariables"] = outcome.variables
    else:
        answer["continuationToken"] = result.token
    log.info("%s: %s", type(outcome).__name__.lower(), outcome.summary)
    _tell(HERE.client("codepipeline").put_job_success_result, answer)


def _fail(job_id: str, failure: Failed) -> None:
    details = {"type": failure.kind, "message": shortened(str(failure) or "no reason was given", _MESSAGE_LIMIT)}
    if failure.reference:
        details["externalExecutionId"] = shortened(failure.reference, _REFERENCE_LIMIT)
    log.error("failed: %s", failure)
    _tell(HERE.client("codepipeline").put_job_failure_result, {"jobId": job_id, "failureDetails": details})


def _tell(put: Callable[..., Any], answer: dict[str, Any]) -> None:
    try:
        put(**answer)
    except ClientError as error:
        if code(error) not in _ANSWERED:
            raise
        log.info("the job was answered before")


def shortened(text: str, limit: int) -> str:
    """Returns a text cut to a limit; it keeps the beginning, which says what failed, and the end, which says why."""
    if len(text) <= limit:
        return text
    head = limit // 3
    mark = "\n[…]\n"
    return text[:head] + mark + text[len(text) - (limit - head - len(mark)) :]


def _state(token: Any) -> dict[str, Any]:
    if not token:
        return {}
    try:
        state = parsed(token)
    except (TypeError, ValueError):
        state = None
    if not isinstance(state, dict) or not all(isinstance(value, str | int | float) for value in state.values()):
        raise Failed(_FOREIGN)
    return state
