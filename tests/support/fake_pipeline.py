"""A CodePipeline with one Lambda action, and faults between CodePipeline, the function and AWS.

A job accepts one answer; an answer with a continuation token creates a new job; a function that raises is called twice
more with the same event, as Lambda does with asynchronous events.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
import botocore.endpoint
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.retries.quota import RetryQuota

from shared import job as jobs
from tests.support.fake_aws import FakeAws, Handler, Refused

CANARY = "canary-of-the-artifacts"
TRANSIENT = ("throttled", "broken", "lost", "closed")
"""Throttled; status 500; done, but the answer is lost; not done, because the connection was closed."""
Main = Callable[[dict[str, Any], object], None]


class KilledError(BaseException):
    """Lambda killed the function; no handler can catch that."""


class Clock:
    """A clock that only tests advance."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


class FaultyAws(FakeAws):
    """An AWS with planned faults for the next calls of an operation; `*` stands for any operation."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: dict[str, list[str | None]] = {}
        self.clock = Clock()
        self.served = 0
        self.kills: set[int] = set()
        """The numbers of the requests after which Lambda kills the function; the request itself succeeds."""
        self.before: Callable[[str], None] | None = None
        """Called before each request, so that a test can interfere."""

    def on(self, operation: str, handler: Handler) -> None:
        def served(given: dict[str, Any]) -> dict[str, Any] | str | bytes:
            if self.before:
                self.before(operation)
            self.served += 1
            answer = self._served(operation, handler, given)
            if self.served in self.kills:
                raise KilledError
            return answer

        super().on(operation, served)

    def _served(self, operation: str, handler: Handler, given: dict[str, Any]) -> dict[str, Any] | str | bytes:
        planned = self.faults.get(operation) or self.faults.get("*") or [None]
        fault = planned.pop(0)
        if fault == "throttled":
            raise Refused("ThrottlingException", "Rate exceeded")
        if fault == "broken":
            raise Refused("InternalFailure", "try again", status=500)
        if fault == "denied":
            raise Refused("AccessDeniedException", "not authorized to perform this")
        if fault == "invalid":
            raise Refused("ValidationException", "that is not valid")
        if fault == "closed":
            raise ConnectionClosedError(endpoint_url="https://aws")
        answer = handler(given)
        if fault == "lost":
            raise ReadTimeoutError(endpoint_url="https://aws")
        return answer

    @contextmanager
    def installed(self, monkeypatch: Any) -> Iterator[FakeAws]:
        """Installs the fake like FakeAws, but with shared clients, a clock, and retries without pauses."""
        for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "DEFAULT_REGION": "us-east-1"}.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        for name in ("AWS_ENDPOINT_URL", "SETTINGS", "RESOLVE", "CA_PEM", "GITHUB_API_URL", "RUN_URL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(_WIRE, "aws", self)
        monkeypatch.setattr(boto3, "client", _client)
        monkeypatch.setattr(jobs, "now", self.clock)
        monkeypatch.setattr(botocore.endpoint, "time", _NoPause)
        # botocore limits the retries of a client; the shared clients live longer than those of a function.
        monkeypatch.setattr(RetryQuota, "acquire", lambda _self, _amount: True)
        yield self


class _NoPause:
    time = staticmethod(time.time)

    @staticmethod
    def sleep(_seconds: float) -> None:
        """Does nothing: retries need no pause."""


class _Wire:
    aws: FakeAws | None = None


_WIRE = _Wire()


@cache
def _session() -> boto3.Session:
    def answer(**given: Any) -> Any:
        assert _WIRE.aws is not None
        return _WIRE.aws._answer(**given)

    session = boto3.Session()
    session.events.register("before-send", answer)
    # A signature, and what the SDK says of itself, take half of the time of a call, and no test looks at them.
    session.events.register("choose-signer", lambda **_: UNSIGNED)
    return session


@cache
def _client_of(service: str, region: str, key: str | None, config: Any) -> Any:
    """Returns a client per configuration, because the configuration sets the number of retries."""
    config = (config or Config()).merge(Config(user_agent="tests"))
    return _session().client(
        service, region_name=region, config=config, aws_access_key_id=key, aws_secret_access_key=key and "secret"
    )


def _client(service: str, *, region_name: str | None = None, config: Any = None, **keys: str) -> Any:
    return _client_of(service, region_name or "us-east-1", keys.get("aws_access_key_id"), config)


ended: list[Callable[[Action], None]] = []
"""Functions that are called with each ended action: tests/soak counts them."""


class Action(FaultyAws):
    """One execution of a Lambda action."""

    def __init__(self, main: Main, parameters: dict[str, Any] | str) -> None:
        super().__init__()
        self.main = main
        self.parameters = parameters if isinstance(parameters, str) else json.dumps(parameters)
        self.artifacts: list[dict[str, Any]] = []
        self.status, self.message, self.kind = "InProgress", "", ""
        self.summary, self.reference = "", ""
        self.variables: dict[str, str] = {}
        self.token: str | None = None
        self.job = self._new_job()
        self.open = {self.job}
        self.accepted = 0
        """The number of accepted final answers; with none, the action hangs."""
        self.calls_made = 0
        self.raised: list[BaseException] = []
        self.every = 30.0
        self.same_job_id = False
        """True if a continuation keeps the job's id; AWS does not document it."""
        self.duplicates: dict[int, int] = {}
        """The calls that Lambda delivers twice, with the number of calls in between."""
        self.planned: dict[str, list[str | None]] = {}
        """A copy of the faults at the start of the run, which consumes them."""
        self.on("codepipeline.PutJobSuccessResult", self._success)
        self.on("codepipeline.PutJobFailureResult", self._failure)

    @staticmethod
    def _new_job() -> str:
        return str(uuid.uuid4())

    def event(self) -> dict[str, Any]:
        """Returns the event of the function."""
        data: dict[str, Any] = {
            "actionConfiguration": {"configuration": {"FunctionName": "f", "UserParameters": self.parameters}},
            "inputArtifacts": self.artifacts,
            "outputArtifacts": [],
            "artifactCredentials": {"accessKeyId": CANARY, "secretAccessKey": CANARY, "sessionToken": CANARY},
        }
        if self.token:
            data["continuationToken"] = self.token
        return {"CodePipeline.job": {"id": self.job, "accountId": "111122223333", "data": data}}

    def run(self, calls: int = 400) -> Action:
        """Calls the function until the action ends; `Hung` if it does not, or if a job gets no answer."""
        self.planned = {name: list(faults) for name, faults in self.faults.items()}
        late: list[tuple[int, dict[str, Any]]] = []
        while self.status == "InProgress":
            if self.calls_made >= calls:
                self.status = "Hung"
                break
            event, job, number = self.event(), self.job, self.calls_made
            self._deliver(event)
            if number in self.duplicates:
                late.append((number + self.duplicates[number], event))
            for due, again in [waiting for waiting in late if waiting[0] <= number]:
                late.remove((due, again))
                self.call(again)
            if self.status == "InProgress" and job == self.job and job in self.open and not self.same_job_id:
                self.status = "Hung"
            self.clock.time += self.every
        for _, again in late:
            self.call(again)
        for tell in ended:
            tell(self)
        unexpected = sorted(set(self.names()) - set(self.handlers))
        assert not unexpected, f"unexpected calls of {unexpected}"
        return self

    def _deliver(self, event: dict[str, Any]) -> None:
        self.calls_made += 1
        token = self.token
        for pause in (0, 60, 120):
            self.clock.time += pause
            if self.call(event):
                return
        if self.status == "InProgress" and token == self.token:
            self.status = "Hung"

    def call(self, event: dict[str, Any]) -> bool:
        """Calls the function once; returns True if it does not raise."""
        try:
            self.main(json.loads(json.dumps(event)), None)
        except (Exception, KilledError) as error:  # noqa: BLE001 - Lambda repeats the call after any error
            self.raised.append(error)
            return False
        return True

    def _take(self, given: dict[str, Any]) -> None:
        if given["jobId"] not in self.open or self.status != "InProgress":
            raise Refused("InvalidJobStateException", "the job has been answered")

    def _success(self, given: dict[str, Any]) -> dict[str, Any]:
        self._take(given)
        details = given["executionDetails"]
        assert 1 <= len(details["summary"]) <= 2048
        self.summary, self.reference = details["summary"], details.get("externalExecutionId", "")
        self.token = given.get("continuationToken")
        if self.token:
            assert len(self.token) <= 2048
            if not self.same_job_id:
                self.open.remove(self.job)
                self.job = self._new_job()
                self.open.add(self.job)
            return {}
        self.status, self.variables = "Succeeded", given.get("outputVariables", {})
        self.accepted += 1
        return {}

    def _failure(self, given: dict[str, Any]) -> dict[str, Any]:
        self._take(given)
        details = given["failureDetails"]
        if not 1 <= len(details["message"]) <= 5000:
            raise Refused("ValidationException", "the message is too long")
        self.status, self.message, self.kind = "Failed", details["message"], details["type"]
        self.reference = details.get("externalExecutionId", "")
        self.accepted += 1
        return {}


def in_a_row(faults: list[str | None]) -> int:
    """Returns the longest sequence of faults in a plan."""
    longest = current = 0
    for fault in faults:
        current = current + 1 if fault else 0
        longest = max(longest, current)
    return longest


def spent(action: Action, longest: int) -> bool:
    """True if Lambda may have used up its three calls: the function was killed, and faults outlasted the retries."""
    return bool(action.kills) and longest > 2


def call_again_within(action: Action, request: int | None) -> None:
    """Delivers the first event a second time during its first call, before one of its requests."""
    if request is None:
        return
    left, event = [request], action.event()

    def between(_: str) -> None:
        left[0] -= 1
        if left[0] == -1:
            action.call(event)

    action.before = between


@contextmanager
def played(action: FaultyAws) -> Iterator[pytest.MonkeyPatch]:
    """Installs an action's AWS, for a property test that runs many actions."""
    with pytest.MonkeyPatch.context() as monkeypatch, action.installed(monkeypatch):
        yield monkeypatch
