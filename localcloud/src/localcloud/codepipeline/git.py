"""The local git repositories behind connections: bare repositories in the state folder."""

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
    """A commit."""

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
        """Returns the repository of the name `owner/name`.

        Raises:
            ActionError: if it does not exist.
        """
        folder = settings.current().repositories / f"{name}.git"
        if not _NAME.fullmatch(name) or ".." in name or not folder.is_dir():
            message = f"There is no local repository for {name}. Create a bare one: git clone --bare … {folder}"
            raise ActionError(message, "ConfigurationError")
        return cls(name, folder)

    def commit(self, reference: str) -> Commit:
        """Returns the commit of an id or a full reference (`refs/heads/main`)."""
        if not _REFERENCE.fullmatch(reference):
            raise ActionError(f"'{reference}' is neither the id of a commit nor a full reference", "ConfigurationError")
        text = self._git("log", "-1", f"--format={_FIELDS}", f"{reference}^{{commit}}", "--")
        identifier, author, email, date, seconds, message = text.split("\n", 5)
        return Commit(identifier, author, email, date, float(seconds), message.strip())

    def archive(self, commit: str) -> bytes:
        """Returns the files of a commit as a zip archive."""
        return self._run("archive", "--format=zip", commit)

    def changed(self, before: str, after: str) -> list[str]:
        """Returns the paths that differ between two commits; without a commit before, all paths."""
        if not before or not before.strip("0"):
            return self._git("ls-tree", "-r", "--name-only", "-z", after).strip("\0").split("\0")
        listed = self._git("diff", "--name-only", "-z", "--no-renames", before, after, "--").strip("\0")
        return listed.split("\0") if listed else []

    def _git(self, *arguments: str) -> str:
        return self._run(*arguments).decode("utf-8", "replace")

    def _run(self, *arguments: str) -> bytes:
        # Without the user's git settings and the variables of a git hook: they must not change the sources of a build.
        environment = {"PATH": os.environ.get("PATH", ""), "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        command = ["git", f"--git-dir={self.folder}", *arguments]
        process = subprocess.run(command, capture_output=True, check=False, env=environment, timeout=_SECONDS)
        if process.returncode:
            lines = process.stderr.decode("utf-8", "replace").strip().splitlines()
            raise ActionError(f"{self.name}: {' '.join(lines[:2])}", "RevisionUnavailable")
        return process.stdout
