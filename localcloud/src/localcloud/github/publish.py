"""Makes a repository of the local GitHub out of a product's checkout, and a working clone of it to change."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localcloud.github.repositories import GitError, Repositories, Repository, environment, git
from localcloud.settings import Settings, current

# Always the same, so that the same files give the same commit on every machine.
_WHO = {
    "GIT_AUTHOR_NAME": "localcloud",
    "GIT_AUTHOR_EMAIL": "localcloud@localhost",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00+00:00",
    "GIT_COMMITTER_NAME": "localcloud",
    "GIT_COMMITTER_EMAIL": "localcloud@localhost",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00+00:00",
}


@dataclass(frozen=True)
class Published:
    """Where a product's repository is."""

    repository: Repository
    clone: Path
    url: str
    """Of the remote; the page for people too, without `.git`."""


def publish(
    source: Path,
    owner: str,
    name: str,
    branch: str,
    *,
    facts: Mapping[str, str] | None = None,
    settings: Settings | None = None,
) -> Published:
    """The repository `owner/name` with the files of a folder as its first commit, and a working clone.

    Called again it keeps everything: a repository that is there is not touched, and one that a reset took away is made
    of the clone's branches. Pipelines are not started: nobody has pushed. `facts` are what the manifest says of the
    repository: `secret` (the name of the one whose value opens the API), `repository-id`, `owner-id`.

    Raises:
        GitError: if git refuses; the message says what.
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
    _refuse_another(clone, owner, name)
    if not repository.branches():
        if (clone / ".git").exists():
            git("-C", str(clone), "push", "--quiet", str(repository.folder), "refs/heads/*:refs/heads/*")
        else:
            _first_commit(repository, source, branch)
    if not (clone / ".git").exists():
        clone.parent.mkdir(parents=True, exist_ok=True)
        git("clone", "--quiet", "--branch", branch, str(repository.folder), str(clone))
    _configure(clone, url)
    return Published(repository, clone, url)


def _refuse_another(clone: Path, owner: str, name: str) -> None:
    """A folder that is not our clone is somebody's work."""
    if not clone.exists() or (clone.is_dir() and not any(clone.iterdir())):
        return
    try:
        origin = git("-C", str(clone), "config", "--get", "remote.origin.url").decode().strip()
    except GitError:
        origin = ""
    if not origin.endswith(f"/{owner}/{name}.git"):
        raise GitError(f"{clone} is not a clone of {owner}/{name}; expected nothing there. Move it away.")


def _first_commit(repository: Repository, source: Path, branch: str) -> None:
    index = repository.folder / "first-index"
    place = {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(source)}
    try:
        _add(repository, source, place)
        tree = repository.text("write-tree", **place)
    finally:
        index.unlink(missing_ok=True)
    message = f"{repository.name.partition('/')[2]}, as it was when it was published here\n"
    commit = repository.text("commit-tree", tree, given=message, **_WHO)
    repository.text("update-ref", f"refs/heads/{branch}", commit)


def _add(repository: Repository, source: Path, place: Mapping[str, str]) -> None:
    """What a commit of the folder would hold: not what it, or the repository around it, ignores."""
    inside = subprocess.run(
        ["git", "-C", str(source), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"],
        capture_output=True,
        check=False,
        env=environment(),
    )
    if inside.returncode or not inside.stdout:
        repository.text("add", "--all", "--", str(source), **place)
        return
    paths = [path for path in inside.stdout.split(b"\0") if path and os.path.lexists(source / os.fsdecode(path))]
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
        **place,
    )


def _configure(clone: Path, url: str) -> None:
    def set_(key: str, value: str) -> None:
        git("-C", str(clone), "config", key, value)

    set_("remote.origin.url", url)
    set_(f"http.{url}.proxy", "")  # a company's proxy does not know this machine's names
    named = subprocess.run(["git", "-C", str(clone), "config", "user.email"], capture_output=True, check=False)
    if named.returncode:  # or `git commit` would ask a user of the demo who he is
        set_("user.name", "You")
        set_("user.email", "you@localhost")
