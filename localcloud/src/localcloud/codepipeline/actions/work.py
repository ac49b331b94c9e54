"""What an action is given to work with, and what the engine asks of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.codepipeline import artifacts
from localcloud.codepipeline.errors import Abandoned, ActionError, explained
from localcloud.codepipeline.model import ActionExecution, Artifact, Declaration, Execution
from localcloud.codepipeline.roles import Identity
from localcloud.codepipeline.store import Pipeline, Store

#: Seconds between two questions to another service.
POLL = 0.5


@dataclass
class Work:
    """One attempt at an action. Everything it does, it does as `identity`."""

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
        """The pipeline as this run knows it."""
        return self.execution.declaration

    @property
    def configuration(self) -> dict[str, str]:
        """The action's configuration with all variables resolved."""
        return self.attempt.resolved

    @property
    def region(self) -> str:
        """Where the action acts."""
        return str(self.attempt.declaration.get("region") or self.pipeline.place[1])

    def client(self, service: str) -> Any:
        """A client with the rights of the action's role, in the action's region."""
        return self.identity.client(service, self.region)

    def option(self, name: str, default: str | None = None) -> str:
        """A configuration value; without a default it must be there."""
        value = self.configuration.get(name) or default
        if value is None:
            kind = self.attempt.declaration["actionTypeId"]["provider"]
            raise ActionError(f"An action of {kind} needs the configuration value {name}", "ConfigurationError")
        return value

    def artifact(self, name: str = "") -> Artifact:
        """An input artifact: by its name, or the only one."""
        found = [one for one in self.attempt.inputs if name in {"", one.name}]
        if len(found) != 1:
            known = ", ".join(one.name for one in self.attempt.inputs) or "none"
            said = f"Needs {name or 'exactly one artifact'} as input; the action declares {known}"
            raise ActionError(said, "ConfigurationError")
        return found[0]

    def file(self, reference: str) -> bytes:
        """A file named as `Artifact::path`."""
        name, _, path = reference.partition("::")
        return artifacts.read(self.client("s3"), self.artifact(name), path)

    def put(self, content: bytes, number: int = 0) -> None:
        """Upload an output artifact."""
        outputs = self.attempt.outputs
        if number < len(outputs):
            artifacts.put(self.identity.client("s3"), self.declaration, self.region, outputs[number], content)

    def note(self, *, summary: str = "", external_id: str = "", external_url: str = "") -> None:
        """Tell how it stands; GetPipelineState shows it at once."""
        with self.store.changed:
            self.attempt.summary = summary[:2048] or self.attempt.summary
            self.attempt.external_id = external_id[:1500] or self.attempt.external_id
            self.attempt.external_url = external_url[:2048] or self.attempt.external_url
            self.store.save(self.pipeline, self.execution)

    def wait(self, ready: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait for something that notifies the store; answers whether it came.

        Raises:
            Abandoned: when the run is stopped without waiting.
            ActionError: when the time of the action is up.
        """
        left = self._left()
        with self.store.changed:
            self.store.changed.wait_for(
                lambda: self.abandoned() or ready(), left if seconds is None else min(seconds, left)
            )
            if self.abandoned():
                raise Abandoned
            if ready():
                return True
        self._left()
        return False

    def pause(self, seconds: float = POLL) -> None:
        """Let time pass; raises as `wait` does."""
        self.wait(lambda: False, seconds)

    def _left(self) -> float:
        left = self._started + self.seconds - time.monotonic()
        if left <= 0:
            minutes = f"{self.seconds / 60:g} minutes"
            raise ActionError(f"The action did not end within {minutes} and timed out", "JobTimedOut")
        return left


Provider = Callable[[Work], dict[str, str]]
"""Does the action and answers its output variables; raises ActionError or Abandoned."""


def perform(work: Work, provider: Provider) -> dict[str, str]:
    """Call a provider; the refusals of other services become failures that say what to do."""
    try:
        return provider(work)
    except ClientError as error:
        raise explained(error, work.identity.role) from error
    except BotoCoreError as error:
        raise ActionError(f"{type(error).__name__}: {error}") from error
