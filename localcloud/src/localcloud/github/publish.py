"""Creates a repository in the local GitHub from a product's folder, and a working clone to make changes in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localcloud.github.repositories import GitError, Repositories, Repository, environment, git
from localcloud.settings import Settings, current

# Fixed values, so that the same files give the same commit on every machine.
_AUTHOR = {
    "GIT_AUTHOR_NAME": "localcloud",
    "GIT_AUTHOR_EMAIL": "localcloud@localhost",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00+00:00",
    "GIT_COMMITTER_NAME": "localcloud",
    "GIT_COMMITTER_EMAIL": "localcloud@localhost",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00+00:00",
}


@dataclass(frozen=True)
class Published:
    """A published repository and its clone."""

    repository: Repository
    clone: Path
    url: str
    """The URL of the git remote; without `.git`, of the repository's page."""


def publish(
    source: Path,
    owner: str,
    name: str,
    branch: str,
    *,
    facts: Mapping[str, str] | None = None,
    folders: Mapping[str, Path] | None = None,
    settings: Settings | None = None,
) -> Published:
    """Creates the repository `owner/name` with the files of a folder as its first commit, and a working clone.

    A second call changes nothing: an existing repository is kept, and one that a reset of the cloud deleted is restored
    from the clone's branches. No pipeline starts, as nothing is pushed. `facts` come from the manifest: `secret` (the
    name of the secret that holds the API token), `repository-id` and `owner-id`. `folders` are added to the first
    commit, each under the path that is its key.

    Raises:
        GitError: if git fails, or the clone's folder is in use.
    """
    chosen = settings or current()
    repositories = Repositories(chosen.repositories)
    clone = chosen.state / "work" / name
    url = f"{chosen.github_url}/{owner}/{name}.git"
    known = {"published": "true", **(facts or {})}
    repository = repositories.find(f"{owner}/{name}")
    if repository is None:
        repository = repositories.create(f"{owner}/{name}", branch, known)
    for key, value in known.items():
        repository.text("config", f"localcloud.{key}", value)
    _require_clone_or_empty(clone, owner, name)
    if not repository.branches():
        if (clone / ".git").exists():
            git("-C", str(clone), "push", "--quiet", str(repository.folder), "refs/heads/*:refs/heads/*")
        else:
            _first_commit(repository, source, branch, folders or {})
    if not (clone / ".git").exists():
        clone.parent.mkdir(parents=True, exist_ok=True)
        git("clone", "--quiet", "--branch", branch, str(repository.folder), str(clone))
    _configure(clone, url)
    return Published(repository, clone, url)


def _require_clone_or_empty(clone: Path, owner: str, name: str) -> None:
    """Raises GitError if the folder is neither empty nor a clone of the repository: it may hold somebody's work."""
    if not clone.exists() or (clone.is_dir() and not any(clone.iterdir())):
        return
    try:
        origin = git("-C", str(clone), "config", "--get", "remote.origin.url").decode().strip()
    except GitError:
        origin = ""
    if not origin.endswith(f"/{owner}/{name}.git"):
        raise GitError(f"{clone} is not a clone of {owner}/{name}; expected nothing there. Move it away.")


def _first_commit(repository: Repository, source: Path, branch: str, folders: Mapping[str, Path]) -> None:
    tree = _tree(repository, source, {path: _tree(repository, folder, {}) for path, folder in folders.items()})
    message = f"{repository.name.partition('/')[2]}, as of its publication in the local GitHub\n"
    commit = repository.text("commit-tree", tree, given=message, **_AUTHOR)
    repository.text("update-ref", f"refs/heads/{branch}", commit)


def _tree(repository: Repository, source: Path, below: Mapping[str, str]) -> str:
    """Returns the tree of a folder's files, with other trees below it."""
    index = repository.folder / "first-index"
    variables = {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(source)}
    try:
        _add(repository, source, variables)
        for path, tree in below.items():
            repository.text("read-tree", f"--prefix={path}/", tree, **variables)
        return repository.text("write-tree", **variables)
    finally:
        index.unlink(missing_ok=True)


def _add(repository: Repository, source: Path, variables: Mapping[str, str]) -> None:
    """Add the folder's files to the index, except those that its .gitignore or the surrounding repository's ignores."""
    tracked = subprocess.run(
        ["git", "-C", str(source), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"],
        capture_output=True,
        check=False,
        env=environment(),
    )
    if tracked.returncode or not tracked.stdout:
        repository.text("add", "--all", "--", str(source), **variables)
        return
    paths = [path for path in tracked.stdout.split(b"\0") if path and os.path.lexists(source / os.fsdecode(path))]
    given = b"".join(path + b"\0" for path in paths)
    git(
        "-C",
        str(source),
        f"--git-dir={repository.folder}",
        f"--work-tree={source}",
        "update-index",
        "--add",
        "-z",
        "--stdin",
        given=given,
        **variables,
    )


def _configure(clone: Path, url: str) -> None:
    def set_(key: str, value: str) -> None:
        git("-C", str(clone), "config", key, value)

    set_("remote.origin.url", url)
    set_(f"http.{url}.proxy", "")  # a company's proxy cannot resolve this machine's names
    email = subprocess.run(["git", "-C", str(clone), "config", "user.email"], capture_output=True, check=False)
    if email.returncode:  # `git commit` would fail without a name and an address
        set_("user.name", "You")
        set_("user.email", "you@localhost")
