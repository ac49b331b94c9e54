"""Bare git repositories by name: their commits, branches, tags and diffs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

NAME = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,100}")
REVISION = re.compile(r"(?!-)[^\s~^:?*\[\\\x00-\x20\x7f\ud800-\udfff]{1,250}")
SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
NOTHING = "0" * 40
_FIELDS = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
_COUNT = _FIELDS.count("%x00") + 1
_SECONDS = 120


class GitError(Exception):
    """Git failed; the message is its output."""


@dataclass(frozen=True)
class Signature:
    """The author or committer of a commit, with the time (ISO 8601)."""

    name: str
    email: str
    date: str


@dataclass(frozen=True)
class Commit:
    """A git commit."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0].strip() or "(no message)"


def environment(**more: str) -> dict[str, str]:
    """Returns git's environment, without the user's settings and a hook's variables: they could change the result."""
    base = {"PATH": os.environ.get("PATH", os.defpath), "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C.UTF-8"}
    return {**base, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", **more}


def git(*arguments: str, given: bytes = b"", **variables: str) -> bytes:
    """Runs git and returns its output.

    Raises:
        GitError: if git fails.
    """
    done = subprocess.run(
        ["git", *arguments],
        input=given,
        capture_output=True,
        check=False,
        env=environment(**variables),
        timeout=_SECONDS,
    )
    if done.returncode:
        raise GitError(done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}")
    return done.stdout


@dataclass(frozen=True)
class Repository:
    """A bare repository; its name is `owner/name`."""

    name: str
    folder: Path

    @property
    def owner(self) -> str:
        """The organisation or user."""
        return self.name.partition("/")[0]

    def raw(self, *arguments: str, given: bytes = b"", **variables: str) -> bytes:
        """Returns the output of a git command on this repository."""
        return git(f"--git-dir={self.folder}", *arguments, given=given, **variables)

    def text(self, *arguments: str, given: str = "", **variables: str) -> str:
        """Returns the output of a git command on this repository, as text."""
        return self.raw(*arguments, given=given.encode(), **variables).decode("utf-8", "replace").strip("\n")

    # --- settings ----------------------------------------------------------------------------------------------------

    def setting(self, name: str) -> str:
        """Returns a value of the section `localcloud` of the repository's git configuration, or an empty string."""
        state = (self.folder / "config").stat()
        return _settings(self.folder, state.st_mtime_ns, state.st_size).get(f"localcloud.{name}", "")

    @property
    def default_branch(self) -> str:
        """The branch to which HEAD refers."""
        return self.text("symbolic-ref", "HEAD").removeprefix("refs/heads/")

    # --- references --------------------------------------------------------------------------------------------------

    def resolve(self, revision: str, kind: str = "commit") -> str | None:
        """Returns the object ID that a branch, a tag or a (possibly abbreviated) ID denotes, or None."""
        if not REVISION.fullmatch(revision):
            return None
        for name in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
            try:
                return self.text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{{kind}}}")
            except GitError:
                continue
        return None

    def reference(self, name: str) -> tuple[str, str] | None:
        """Returns the type and ID of the object of a full reference (`refs/tags/v1`), or None."""
        return self.references(name).get(name) if REVISION.fullmatch(name) else None

    def references(self, *below: str) -> dict[str, tuple[str, str]]:
        """Returns the type and ID of the object of each reference, by name, newest commit first."""
        form = "--format=%(refname)%00%(objecttype)%00%(objectname)"
        found = self.text("for-each-ref", "--sort=-creatordate", form, *below)
        rows = (line.split("\0") for line in found.splitlines())
        return {name: (kind, sha) for name, kind, sha in rows}

    def branches(self) -> dict[str, str]:
        """Returns the commit of each branch."""
        return {name.removeprefix("refs/heads/"): sha for name, (_, sha) in self.references("refs/heads").items()}

    def is_valid_reference(self, reference: str) -> bool:
        """True if git accepts the name of a full reference."""
        try:
            self.text("check-ref-format", reference)
        except (GitError, ValueError):
            return False
        return bool(REVISION.fullmatch(reference))

    def move(self, reference: str, to: str, before: str) -> None:
        """Set a reference to another object, if it still denotes `before`."""
        self.text("update-ref", reference, to, before)

    # --- commits -----------------------------------------------------------------------------------------------------

    def commit(self, revision: str) -> Commit | None:
        """Returns a commit, or None."""
        sha = self.resolve(revision)
        return next(iter(self.commits(sha, limit=1)), None) if sha else None

    def commits(
        self, *revisions: str, limit: int = 30, skip: int = 0, path: str = "", order: str = "date"
    ) -> list[Commit]:
        """Returns the commits reachable from the revisions, newest first; `^sha` excludes those reachable from it.

        In the order `topo` a commit always comes after its descendants, even if both have the same time.
        """
        options = [f"--format={_FIELDS}", f"-{limit}", f"--skip={skip}", f"--{order}-order"]
        command = ["log", "-z", *options, *revisions, "--"]
        below = path.strip("/")
        found = self.text(*command, *([f":(top,literal){below}"] if below else [])).strip("\0")
        if not found:
            return []
        fields = found.split("\0")
        return [_commit(fields[at : at + _COUNT]) for at in range(0, len(fields), _COUNT)]

    def contains(self, commit: str, ancestor: str) -> bool:
        """True if a commit is reachable from another."""
        try:
            self.text("merge-base", "--is-ancestor", ancestor, commit)
        except GitError:
            return False
        return True

    def changed_files(self, before: str, after: str) -> list[str]:
        """Returns the paths that a push changes; for a new branch, those that differ from the default branch."""
        if not before.strip("0") or self.resolve(before) is None:
            base = self.merge_base(self.default_branch, after)
            if base in {None, after}:
                listed = self.raw("ls-tree", "-r", "--name-only", "-z", after)
                return _listed(listed)
            before = str(base)
        return _listed(self.raw("diff", "--name-only", "-z", "--no-renames", before, after, "--"))

    def merge_base(self, first: str, second: str) -> str | None:
        """Returns the newest common ancestor of two commits, or None."""
        commits = [self.resolve(first), self.resolve(second)]
        known = [commit for commit in commits if commit is not None]
        if len(known) < len(commits):
            return None
        try:
            return self.text("merge-base", *known).splitlines()[0]
        except GitError:
            return None

    def difference(self, before: str | None, after: str, *options: str) -> str:
        """Returns the diff of two commits; without the first, the whole content of the second."""
        if before is None:
            return self.text("show", "--format=", "--no-color", "--no-ext-diff", *options, after, "--")
        return self.text("diff", "--no-color", "--no-ext-diff", *options, before, after, "--")


class Repositories:
    """The bare repositories below a folder, `<owner>/<name>.git`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, name: str) -> Repository | None:
        """Returns the repository of that name, or None."""
        owner, _, short = name.partition("/")
        if not NAME.fullmatch(owner) or not NAME.fullmatch(short):
            return None
        folder = self.folder / owner / f"{short}.git"
        return Repository(name, folder) if (folder / "HEAD").is_file() else None

    def all(self) -> list[Repository]:
        """Returns all repositories, ordered by name."""
        found = (self.find(f"{path.parent.name}/{path.stem}") for path in sorted(self.folder.glob("*/*.git")))
        return [repository for repository in found if repository is not None]

    def create(self, name: str, branch: str, settings: Mapping[str, str]) -> Repository:
        """Creates an empty repository with the default branch `branch`."""
        owner, _, short = name.partition("/")
        if not NAME.fullmatch(owner) or not NAME.fullmatch(short):
            raise GitError(f"'{name}' is not the name of a repository; expected owner/name")
        folder = self.folder / owner / f"{short}.git"
        folder.parent.mkdir(parents=True, exist_ok=True)
        git("init", "--quiet", "--bare", f"--initial-branch={branch}", str(folder))
        repository = Repository(name, folder)
        for key, value in settings.items():
            repository.text("config", f"localcloud.{key}", value)
        return repository

    def clear(self) -> None:
        """Delete the published repositories; those that a user created by hand are kept."""
        for repository in self.all():
            if repository.setting("published"):
                shutil.rmtree(repository.folder, ignore_errors=True)


@lru_cache(maxsize=256)
def _settings(folder: Path, _changed: int, _size: int) -> dict[str, str]:
    """Returns a repository's configuration; it is cached until its file changes, as every request reads it."""
    listed = git(f"--git-dir={folder}", "config", "--local", "--list", "-z").decode("utf-8", "replace")
    return {name: value for name, _, value in (entry.partition("\n") for entry in listed.split("\0"))}


def _commit(fields: Sequence[str]) -> Commit:
    sha, tree, parents, *people, message = fields
    author, committer = Signature(*people[:3]), Signature(*people[3:])
    return Commit(sha, tree, tuple(parents.split()), author, committer, message.strip())


def _listed(content: bytes) -> list[str]:
    return [path for path in content.decode("utf-8", "replace").split("\0") if path]
