"""Finds the images that another branch built and tested of the same files, and names the release; it builds nothing.

Two commits are the same to it if they have the same git tree: then a merge, a squash, a rebase and a fast-forward are
alike, and what main releases is what the other branch's run tested.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from find_snapshot.source import Source, SourceSettings
from find_snapshot.version import following
from shared import registry
from shared.aws import HERE
from shared.job import Done, Failed, Job, Wait, answer
from shared.parameters import ParameterError, Parameters
from shared.registry import Image

_MINUTES = 60
_LISTED = 500  # newest runs of the other pipeline that are read
_ACTIVE = frozenset({"InProgress", "Stopping"})
_COMMIT_TAG = "commit-"  # builds/image.yml puts it on every image, with the commit's full SHA


@dataclass(frozen=True)
class Settings:
    """The parameters of the action."""

    source: SourceSettings
    commit: str
    pipeline: str
    """The pipeline that builds and tests what is released."""
    flow: str
    """Its name in the manifest, which operators type."""
    release_tag: str
    git_tag: str
    images: dict[str, str]
    """The repository's URI of each image, by the name of the variable that its digest URI becomes."""

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        settings = cls(
            SourceSettings(
                parameters.text("repository"),
                parameters.text("secret"),
                parameters.text("branch"),
                parameters.text("from_branch"),
                parameters.text("version_file"),
            ),
            parameters.text("commit"),
            parameters.text("pipeline"),
            parameters.text("flow"),
            parameters.text("release_tag"),
            parameters.text("git_tag"),
            parameters.table("images"),
        )
        parameters.refuse_unknown()
        if not settings.images:
            raise ParameterError("parameter 'images' is empty: name the repository of at least one image")
        return settings


def main(event: dict[str, Any], _context: object) -> None:
    """Finds the images of a commit, or says why there are none."""
    answer(event, find, minutes=_MINUTES)


def find(job: Job) -> Done | Wait:
    """Returns the images and names of the release; waits while the other pipeline still works on the same files."""
    settings = Settings.from_parameters(job.parameters)
    source = Source(settings.source)
    released = source.released(settings.commit)
    alike = source.alike(released)
    if not alike:
        raise Failed(_never_built(settings, released))
    runs = _runs(settings.pipeline, alike)
    ecr = HERE.client("ecr")
    found = {commit: _images(ecr, settings, commit) for commit in alike}
    snapshot = next((commit for commit in alike if found[commit] and "Succeeded" in runs[commit]), None)
    if snapshot is None:
        at_work = next((commit for commit in alike if _ACTIVE & set(runs[commit])), None)
        if at_work:
            return Wait(f"{settings.pipeline} still works on {at_work[:7]}, which has the files of {released[:7]}")
        raise Failed(_untested(settings, alike, runs, found))
    release = _Release.of(settings, released, source.version(released), found[snapshot])
    _refuse_other(ecr, source, settings, release)
    return Done(
        f"{release.version} of {released[:7]} is what {settings.pipeline} built and tested of {snapshot[:7]}",
        variables={**release.variables(), "SNAPSHOT": snapshot},
    )


@dataclass(frozen=True)
class _Release:
    """A release and its names."""

    commit: str
    version: str
    release_tag: str
    git_tag: str
    uris: dict[str, str]
    """The URI of each image, by digest."""

    @classmethod
    def of(cls, settings: Settings, commit: str, version: str, digests: dict[str, str]) -> _Release:
        return cls(
            commit,
            version,
            settings.release_tag.replace("{version}", version),
            settings.git_tag.replace("{version}", version),
            {name: f"{uri}@{digests[name]}" for name, uri in settings.images.items()},
        )

    def variables(self) -> dict[str, str]:
        return {
            **self.uris,
            "COMMIT": self.commit,
            "RELEASE_VERSION": self.version,
            "RELEASE_TAG": self.release_tag,
            "GIT_TAG": self.git_tag,
        }


def _runs(pipeline: str, commits: list[str]) -> dict[str, list[str]]:
    """Returns the states of the runs of each commit, newest first, without those that rolled a stage back."""
    pages = HERE.client("codepipeline").get_paginator("list_pipeline_executions")
    states: dict[str, list[str]] = {commit: [] for commit in commits}
    for page in pages.paginate(pipelineName=pipeline, PaginationConfig={"MaxItems": _LISTED}):
        for summary in page["pipelineExecutionSummaries"]:
            if summary.get("executionType") == "ROLLBACK":
                continue
            for revision in summary.get("sourceRevisions", []):
                if revision.get("revisionId") in states:
                    states[revision["revisionId"]].append(str(summary["status"]))
    return states


def _images(ecr: Any, settings: Settings, commit: str) -> dict[str, str]:
    """Returns the digest of each image of a commit; empty unless the registry has them all."""
    found = {
        name: registry.tagged(ecr, Image(uri.partition("/")[2], ""), f"{_COMMIT_TAG}{commit}")
        for name, uri in settings.images.items()
    }
    return {name: digest for name, digest in found.items() if digest} if all(found.values()) else {}


def _refuse_other(ecr: Any, source: Source, settings: Settings, release: _Release) -> None:
    """Raises Failed if another commit or image has the names of this release; a retry finds its own."""
    taken = ""
    on = source.commit_of(release.git_tag)
    if on not in (None, release.commit):
        taken = f"tag {release.git_tag} is on commit {on}"
    for image in map(Image.parse, release.uris.values()):
        digest = registry.tagged(ecr, image, release.release_tag)
        if digest not in (None, image.digest):
            taken = taken or f"{image.repository}:{release.release_tag} is {digest}"
    if taken:
        branch, file = settings.source.from_branch, settings.source.version_file
        raise Failed(
            f"{release.version} is released already: {taken}. A release is never replaced. Raise the version in {file} "
            f"on {branch}, e.g. to {following(release.version)}; push {branch}, and merge it into "
            f"{settings.source.branch} again."
        )


def _never_built(settings: Settings, released: str) -> str:
    branch, main_branch = settings.source.from_branch, settings.source.branch
    return (
        f"no commit of {branch} has the same files as {released[:7]} of {main_branch}, so nobody tested what "
        f"{main_branch} would release, and Slipway builds no other image instead. Merge {main_branch} into {branch} "
        f"(git switch {branch} && git merge {main_branch} && git push), wait until {settings.pipeline} has succeeded, "
        f"and merge {branch} into {main_branch} again."
    )


def _untested(
    settings: Settings, alike: list[str], runs: dict[str, list[str]], found: dict[str, dict[str, str]]
) -> str:
    commit = next((commit for commit in alike if runs[commit]), alike[0])
    start = f"slipway start {settings.flow} --commit {commit}"
    if not runs[commit]:
        return (
            f"{settings.pipeline} has no run of {commit}, which has the files to release. Start one: {start}; then "
            "retry this stage."
        )
    if "Succeeded" in runs[commit] and not found[commit]:
        missing = ", ".join(uri.partition("/")[2] for uri in settings.images.values())
        return (
            f"{settings.pipeline} built {commit}, but {missing} no longer has an image with the tag "
            f"{_COMMIT_TAG}{commit}: the registry expired it. Build and test it again: {start}; then retry this stage."
        )
    return (
        f"the run of {settings.pipeline} for {commit[:7]} is {runs[commit][0]}: what it built is not released untested."
        f" Make it succeed (slipway retry {settings.flow}), then retry this stage."
    )
