"""Reads from GitHub whether a branch contains a commit, which commits have the same files, and its version."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from find_snapshot.version import version_in
from shared.github import GitHub
from shared.job import Failed

_NEWEST = 100  # commits of the other branch that are compared: a page of GitHub's API


@dataclass(frozen=True)
class SourceSettings:
    """The repository, its branch, and the branch that builds what is released."""

    repository: str
    secret: str
    branch: str
    from_branch: str
    version_file: str


class Source:
    """The repository on GitHub."""

    def __init__(self, settings: SourceSettings) -> None:
        self._settings, self._github = settings, GitHub(settings.repository, settings.secret)

    def released(self, commit: str) -> str:
        """Returns the commit that a release of this one names: itself, or that by which it was merged.

        Raises:
            Failed: if the branch does not contain it. CodePipeline starts a run for each pull request that is closed,
                of anybody's branch, merged or not.
        """
        branch = self._settings.branch
        compared = self._github.get(f"/compare/{quote(branch, safe='')}...{commit}")
        if compared and compared["status"] in ("identical", "behind"):
            return commit
        for pull in self._github.get(f"/commits/{commit}/pulls") or []:
            ours = pull["head"]["repo"] and pull["head"]["repo"]["full_name"] == self._settings.repository
            merged = pull.get("merged_at") and pull["base"]["ref"] == branch
            if ours and merged and pull["head"]["sha"] == commit and pull["head"]["ref"] == self._settings.from_branch:
                return str(pull["merge_commit_sha"])
        raise Failed(
            f"{branch} does not contain commit {commit}, and no pull request from {self._settings.from_branch} merged "
            f"it: nothing is released. Merge it into {branch}. A pull request that is closed without a merge starts "
            "this pipeline, too."
        )

    def alike(self, commit: str) -> list[str]:
        """Returns the commits of the other branch that have the same files, newest first.

        Raises:
            Failed: if there is no such branch.
        """
        branch = self._settings.from_branch
        tree = self._commit(commit)["commit"]["tree"]["sha"]
        listed = self._github.get(f"/commits?sha={quote(branch, safe='')}&per_page={_NEWEST}")
        if listed is None:
            raise Failed(f"{self._settings.repository} has no branch {branch}: push it again, then retry this stage.")
        return [str(found["sha"]) for found in listed if found["commit"]["tree"]["sha"] == tree]

    def version(self, commit: str) -> str:
        """Returns the version in the product's file.

        Raises:
            Failed: if there is no such file, or no version in it.
        """
        path = self._settings.version_file
        found = self._github.get(f"/contents/{quote(path)}?ref={commit}")
        if not isinstance(found, dict) or found.get("encoding") != "base64":
            raise Failed(f"commit {commit[:7]} has no file {path}: write pipeline.version_file, or add the file")
        try:
            return version_in(path, base64.b64decode(found["content"]).decode())
        except ValueError as error:
            raise Failed(str(error)) from None

    def commit_of(self, tag: str) -> str | None:
        """Returns the commit that a git tag is on, or None if there is no such tag."""
        return self._github.commit_of(tag)

    def _commit(self, commit: str) -> dict[str, Any]:
        found = self._github.get(f"/commits/{commit}")
        if found is None:
            raise Failed(f"{self._settings.repository} has no commit {commit}")
        return dict(found)
