"""The local GitHub: its repositories, what it keeps, and what it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from localcloud.github.repositories import Repositories
from localcloud.github.store import Store

PullRequestEvent = Literal["OPEN", "UPDATED", "CLOSED"]
ACTOR = "localcloud"
"""Whoever comes with the right token."""


@dataclass(frozen=True)
class Update:
    """A reference that moved: from where, to where, its name."""

    before: str
    after: str
    ref: str

    @property
    def branch(self) -> str:
        """The branch, or nothing."""
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else ""

    @property
    def deleted(self) -> bool:
        """It is gone."""
        return not self.after.strip("0")

    @property
    def new(self) -> bool:
        """It was not there before."""
        return not self.before.strip("0")


@dataclass(frozen=True)
class Push:
    """A branch or a tag now shows another commit."""

    repository: str
    ref: str
    before: str
    after: str
    pusher: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class PullRequest:
    """Something happened to a pull request."""

    repository: str
    event: PullRequestEvent
    number: int
    title: str
    source: str
    destination: str
    commit: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Started:
    """A run of a pipeline."""

    pipeline: str
    url: str


@dataclass(frozen=True)
class Triggers:
    """What a change starts; each is called once for each change."""

    push: Callable[[Push], list[Started]]
    pull_request: Callable[[PullRequest], list[Started]]


@dataclass(frozen=True)
class Hub:
    """Everything the parts of the local GitHub share."""

    repositories: Repositories
    store: Store
    triggers: Triggers
    read_secret: Callable[[str], str | None]
    """The value of a secret, or None."""
    verify: Callable[[str, bytes, bytes], bool]
    """Whether a KMS key signed this digest so."""
    url: str
    """The address for people."""
    hook_url: str
    """Where a push is announced."""

    def html(self, repository: str, path: str = "") -> str:
        """A page of a repository."""
        return f"{self.url}/{repository}{path}"

    def clear(self) -> None:
        """Forget everything, repositories too."""
        self.store.clear()
        self.repositories.clear()
