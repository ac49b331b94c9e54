"""The local git repositories that connections lead to: bare ones, below the state folder."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from localcloud import settings
from localcloud.codepipeline.errors import ActionError

_NAME = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+")
_REFERENCE = re.compile(r"[0-9a-f]{4,64}|refs/(heads|tags)/[^\s~^:?*\[\\]+")
_FIELDS = "%H%n%an%n%ae%n%aI%n%ct%n%B"
_SECONDS = 120


@dataclass(frozen=True)
class Commit:
    """What git says of a commit."""

    id: str
    author: str
    email: str
    date: str
    time: float
    message: str


@dataclass(frozen=True)
class Repository:
    """A bare repository."""

    name: str
    folder: Path

    @classmethod
    def named(cls, name: str) -> Repository:
        """The repository behind `owner/name`.

        Raises:
            ActionError: when there is none.
        """
        folder = settings.current().repositories / f"{name}.git"
        if not _NAME.fullmatch(name) or ".." in name or not folder.is_dir():
            said = f"There is no local repository for {name}. Expected a bare one: git clone --bare … {folder}"
            raise ActionError(said, "ConfigurationError")
        return cls(name, folder)

    def commit(self, reference: str) -> Commit:
        """The commit of an id, or of a whole reference (`refs/heads/main`)."""
        if not _REFERENCE.fullmatch(reference):
            raise ActionError(f"'{reference}' is neither a commit's id nor a reference", "ConfigurationError")
        text = self._git("log", "-1", f"--format={_FIELDS}", f"{reference}^{{commit}}", "--")
        identifier, author, email, date, seconds, message = text.split("\n", 5)
        return Commit(identifier, author, email, date, float(seconds), message.strip())

    def archive(self, commit: str) -> bytes:
        """The files of a commit as a zip."""
        return self._run("archive", "--format=zip", commit)

    def changed(self, before: str, after: str) -> list[str]:
        """The paths that differ between two commits; of a first commit, all."""
        if not before or not before.strip("0"):
            return self._git("ls-tree", "-r", "--name-only", "-z", after).strip("\0").split("\0")
        listed = self._git("diff", "--name-only", "-z", "--no-renames", before, after, "--").strip("\0")
        return listed.split("\0") if listed else []

    def _git(self, *arguments: str) -> str:
        return self._run(*arguments).decode("utf-8", "replace")

    def _run(self, *arguments: str) -> bytes:
        # Neither the user's settings nor a hook's variables: whose machine it is must not change what is built.
        environment = {"PATH": os.environ.get("PATH", ""), "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        command = ["git", f"--git-dir={self.folder}", *arguments]
        done = subprocess.run(command, capture_output=True, check=False, env=environment, timeout=_SECONDS)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise ActionError(f"{self.name}: {' '.join(said[:2])}", "RevisionUnavailable")
        return done.stdout
