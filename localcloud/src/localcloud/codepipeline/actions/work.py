"""The context of an attempt at an action, and the interface of action providers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.codepipeline import artifacts
from localcloud.codepipeline.errors import Abandoned, ActionError, from_client_error
from localcloud.codepipeline.model import ActionExecution, Artifact, Declaration, Execution
from localcloud.codepipeline.roles import Identity
from localcloud.codepipeline.store import Pipeline, Store

#: Seconds between two status requests to another service.
POLL = 0.5


@dataclass
class Work:
    """The context of one attempt at an action, which acts as `identity`."""

    store: Store
    pipeline: Pipeline
    execution: Execution
    attempt: ActionExecution
    identity: Identity
    seconds: float
    abandoned: Callable[[], bool] = lambda: False
    _started: float = field(default_factory=time.monotonic)

    @property
    def declaration(self) -> Declaration:
        """The declaration of the pipeline with which the run was started."""
        return self.execution.declaration

    @property
    def configuration(self) -> dict[str, str]:
        """The configuration of the action, with all variables resolved."""
        return self.attempt.resolved

    @property
    def region(self) -> str:
        """The region of the action."""
        return str(self.attempt.declaration.get("region") or self.pipeline.place[1])

    def client(self, service: str) -> Any:
        """Returns a client that acts as the role of the action, in its region."""
        return self.identity.client(service, self.region)

    def option(self, name: str, default: str | None = None) -> str:
        """Returns a configuration value.

        Raises:
            ActionError: if the value is missing and there is no default.
        """
        value = self.configuration.get(name) or default
        if value is None:
            kind = self.attempt.declaration["actionTypeId"]["provider"]
            raise ActionError(f"An action of {kind} needs the configuration value {name}", "ConfigurationError")
        return value

    def artifact(self, name: str = "") -> Artifact:
        """Returns the input artifact of this name, or the only one.

        Raises:
            ActionError: if there is no such artifact, or no name but several artifacts.
        """
        found = [artifact for artifact in self.attempt.inputs if name in {"", artifact.name}]
        if len(found) != 1:
            known = ", ".join(artifact.name for artifact in self.attempt.inputs) or "none"
            message = f"The action needs {name or 'exactly one artifact'} as input, but declares {known}"
            raise ActionError(message, "ConfigurationError")
        return found[0]

    def file(self, reference: str) -> bytes:
        """Returns the content of a file given as `Artifact::path`."""
        name, _, path = reference.partition("::")
        return artifacts.read(self.client("s3"), self.artifact(name), path)

    def put(self, content: bytes, number: int = 0) -> None:
        """Uploads an output artifact, if the action declares it."""
        outputs = self.attempt.outputs
        if number < len(outputs):
            artifacts.put(self.identity.client("s3"), self.declaration, self.region, outputs[number], content)

    def note(self, *, summary: str = "", external_id: str = "", external_url: str = "") -> None:
        """Records the progress of the action, which GetPipelineState shows at once. Empty values change nothing."""
        with self.store.changed:
            self.attempt.summary = summary[:2048] or self.attempt.summary
            self.attempt.external_id = external_id[:1500] or self.attempt.external_id
            self.attempt.external_url = external_url[:2048] or self.attempt.external_url
            self.store.save(self.pipeline, self.execution)

    def wait(self, ready: Callable[[], bool], seconds: float | None = None) -> bool:
        """Waits until `ready` is true; it is checked after each change in the store. Returns False after `seconds`.

        Raises:
            Abandoned: if the run was stopped without waiting for the action.
            ActionError: if the timeout of the action has passed.
        """
        remaining = self._remaining()
        with self.store.changed:
            self.store.changed.wait_for(
                lambda: self.abandoned() or ready(), remaining if seconds is None else min(seconds, remaining)
            )
            if self.abandoned():
                raise Abandoned
            if ready():
                return True
        self._remaining()
        return False

    def pause(self, seconds: float = POLL) -> None:
        """Waits for some time. Raises the same errors as `wait`."""
        self.wait(lambda: False, seconds)

    def _remaining(self) -> float:
        remaining = self._started + self.seconds - time.monotonic()
        if remaining <= 0:
            minutes = f"{self.seconds / 60:g} minutes"
            raise ActionError(f"The action did not end within {minutes} and timed out", "JobTimedOut")
        return remaining


Provider = Callable[[Work], dict[str, str]]
"""Performs an action and returns its output variables. Raises `ActionError` or `Abandoned`."""


def perform(work: Work, provider: Provider) -> dict[str, str]:
    """Calls a provider. Errors of other services become failures of the action.

    Raises:
        Abandoned: if the run was stopped without waiting for the action.
        ActionError: if the action failed.
    """
    try:
        return provider(work)
    except ClientError as error:
        raise from_client_error(error, work.identity.role) from error
    except BotoCoreError as error:
        raise ActionError(f"{type(error).__name__}: {error}") from error
