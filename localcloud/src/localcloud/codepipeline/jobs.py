"""Jobs: what a Lambda function is asked to do, and the one answer each job gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from localcloud.codepipeline.errors import ServiceError
from localcloud.codepipeline.model import new_id
from localcloud.codepipeline.store import Place, Store

_LARGEST = 122880


@dataclass
class Job:
    """One question to a function, open until it is answered or nobody waits for the answer any more."""

    place: Place
    data: dict[str, Any]
    details: dict[str, Any]
    id: str = field(default_factory=new_id)
    open: bool = True
    success: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None

    @property
    def answered(self) -> bool:
        """Whether the function has spoken."""
        return self.success is not None or self.failure is not None

    def event(self) -> dict[str, Any]:
        """What the function is called with."""
        return {"CodePipeline.job": {"id": self.id, "accountId": self.place[0], "data": self.data}}


class Jobs:
    """All jobs of this process; whoever waits for one is told through the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._jobs: dict[str, Job] = {}

    def offer(self, job: Job) -> Job:
        """Make a job known."""
        with self._store.changed:
            self._jobs[job.id] = job
        return job

    def close(self, job: Job) -> None:
        """Take no answer any more."""
        with self._store.changed:
            job.open = False

    def get(self, place: Place, identifier: str) -> Job:
        """A job of that account."""
        job = self._jobs.get(identifier)
        if job is None or job.place != place:
            raise ServiceError("JobNotFoundException", f"No job with id {identifier} exists")
        return job

    def succeed(self, place: Place, request: dict[str, Any]) -> None:
        """Take a success, or with a continuation token the wish to be called again."""
        size = sum(len(key) + len(value) for key, value in (request.get("outputVariables") or {}).items())
        if size > _LARGEST:
            said = f"The output variables have {size} characters, the limit is {_LARGEST}"
            raise ServiceError("OutputVariablesSizeExceededException", said)
        with self._store.changed:
            self._answerable(place, request["jobId"]).success = request
            self._store.changed.notify_all()

    def fail(self, place: Place, request: dict[str, Any]) -> None:
        """Take a failure."""
        with self._store.changed:
            self._answerable(place, request["jobId"]).failure = request["failureDetails"]
            self._store.changed.notify_all()

    def clear(self) -> None:
        """Forget every job."""
        with self._store.changed:
            self._jobs.clear()

    def _answerable(self, place: Place, identifier: str) -> Job:
        job = self.get(place, identifier)
        if job.answered or not job.open:
            said = f"Job {identifier} is not in progress: it was answered, or its action is over"
            raise ServiceError("InvalidJobStateException", said)
        return job
