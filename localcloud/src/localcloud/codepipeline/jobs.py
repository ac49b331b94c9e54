"""Jobs: the requests of Lambda actions to their functions, and the result of each job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from localcloud.codepipeline.model import new_id
from localcloud.codepipeline.store import Place, Store
from localcloud.json_services import ServiceError

_MAX_VARIABLES_SIZE = 122880


@dataclass
class Job:
    """A job for a function. It is open until its result arrives or its action ends."""

    place: Place
    data: dict[str, Any]
    details: dict[str, Any]
    id: str = field(default_factory=new_id)
    open: bool = True
    success: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None

    @property
    def answered(self) -> bool:
        """True if the function has sent a result."""
        return self.success is not None or self.failure is not None

    def event(self) -> dict[str, Any]:
        """Returns the payload with which the function is invoked."""
        return {"CodePipeline.job": {"id": self.id, "accountId": self.place[0], "data": self.data}}


class Jobs:
    """All jobs of this process. A result notifies `Store.changed`, on which the actions wait."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._jobs: dict[str, Job] = {}

    def add(self, job: Job) -> Job:
        """Adds a job and returns it."""
        with self._store.changed:
            self._jobs[job.id] = job
        return job

    def close(self, job: Job) -> None:
        """Closes a job; later results are refused."""
        with self._store.changed:
            job.open = False

    def get(self, place: Place, identifier: str) -> Job:
        """Returns a job of an account and region.

        Raises:
            ServiceError: if it does not exist.
        """
        job = self._jobs.get(identifier)
        if job is None or job.place != place:
            raise ServiceError("JobNotFoundException", f"No job with id {identifier} exists")
        return job

    def succeed(self, place: Place, request: dict[str, Any]) -> None:
        """Stores a success. A request with a continuation token asks for another call of the function.

        Raises:
            ServiceError: if the job does not exist or is not open, or if its output variables are too large.
        """
        size = sum(len(key) + len(value) for key, value in (request.get("outputVariables") or {}).items())
        if size > _MAX_VARIABLES_SIZE:
            message = f"The output variables have {size} characters, the limit is {_MAX_VARIABLES_SIZE}"
            raise ServiceError("OutputVariablesSizeExceededException", message)
        with self._store.changed:
            self._open_job(place, request["jobId"]).success = request
            self._store.changed.notify_all()

    def fail(self, place: Place, request: dict[str, Any]) -> None:
        """Stores a failure.

        Raises:
            ServiceError: if the job does not exist or is not open.
        """
        with self._store.changed:
            self._open_job(place, request["jobId"]).failure = request["failureDetails"]
            self._store.changed.notify_all()

    def clear(self) -> None:
        """Deletes all jobs."""
        with self._store.changed:
            self._jobs.clear()

    def _open_job(self, place: Place, identifier: str) -> Job:
        job = self.get(place, identifier)
        if job.answered or not job.open:
            message = f"Job {identifier} is not in progress: it already has a result, or its action has ended"
            raise ServiceError("InvalidJobStateException", message)
        return job
