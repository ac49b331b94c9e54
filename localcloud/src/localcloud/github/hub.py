"""The parts of the local GitHub: its repositories, its database, and the triggers of pipelines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from localcloud.github.repositories import Repositories
from localcloud.github.store import Store

PullRequestEvent = Literal["OPEN", "UPDATED", "CLOSED"]
ACTOR = "localcloud"
"""The user name of every caller with a valid token."""


@dataclass(frozen=True)
class Update:
    """The update of a git reference from one object to another."""

    before: str
    after: str
    ref: str

    @property
    def branch(self) -> str:
        """The branch's name; empty if the reference is not a branch."""
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else ""

    @property
    def deleted(self) -> bool:
        """True if the update deletes the reference."""
        return not self.after.strip("0")

    @property
    def new(self) -> bool:
        """True if the update creates the reference."""
        return not self.before.strip("0")


@dataclass(frozen=True)
class Push:
    """A push event: a branch or a tag was updated."""

    repository: str
    ref: str
    before: str
    after: str
    pusher: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class PullRequest:
    """A pull request event."""

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
    """A pipeline run that an event started."""

    pipeline: str
    url: str


@dataclass(frozen=True)
class Triggers:
    """The functions that start pipelines; each event is passed to them exactly once."""

    push: Callable[[Push], list[Started]]
    pull_request: Callable[[PullRequest], list[Started]]


@dataclass(frozen=True)
class Hub:
    """The state that the modules of the local GitHub share."""

    repositories: Repositories
    store: Store
    triggers: Triggers
    read_secret: Callable[[str], str | None]
    """Returns the value of a secret, or None."""
    verify: Callable[[str, bytes, bytes], bool]
    """True if a signature of a digest is valid under a KMS key."""
    url: str
    """The URL for browsers."""
    hook_url: str
    """The URL to which the post-receive hook reports a push."""

    def page_url(self, repository: str, path: str = "") -> str:
        """Returns the URL of a page of a repository."""
        return f"{self.url}/{repository}{path}"

    def clear(self) -> None:
        """Delete everything, including the repositories."""
        self.store.clear()
        self.repositories.clear()
