"""Main releases the image that the other branch's run built and tested of the same files, or the release stops."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from find_snapshot import handler
from find_snapshot.version import following, version_in
from tests.support.fake_aws import Refused
from tests.support.fake_github import REPOSITORY, TOKEN, GitHubWeb
from tests.support.fake_pipeline import TRANSIENT, Action
from tests.support.fake_web import Reply, Request

REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
MERGE, DEV, OLDER = "a" * 40, "d" * 40, "e" * 40
TREE, OTHER_TREE = "7" * 40, "8" * 40
DIGEST = "sha256:" + "b" * 64
PARAMETERS: dict[str, Any] = {
    "repository": REPOSITORY,
    "secret": "shop/github",
    "branch": "main",
    "from_branch": "dev",
    "version_file": "pyproject.toml",
    "commit": MERGE,
    "pipeline": "shop-dev",
    "flow": "dev",
    "release_tag": "v{version}",
    "git_tag": "{version}",
    "images": {"AppImage": f"{REGISTRY}/shop/app", "JobsImage": f"{REGISTRY}/shop/jobs"},
}


class GitHubOfMerges(GitHubWeb):
    """A GitHub that also knows commits, files, comparisons and merged pull requests."""

    def __init__(self) -> None:
        super().__init__()
        self.trees = {MERGE: TREE, DEV: TREE, OLDER: OTHER_TREE}
        self.branches = {"dev": [DEV, OLDER], "main": [MERGE, DEV, OLDER]}
        self.pulls: list[dict[str, Any]] = []
        self.files = {"pyproject.toml": '[project]\nversion = "1.3.0"\n'}
        self.reply = self._reply

    def _reply(self, request: Request) -> Reply:
        path, _, query = request.path.removeprefix(f"/repos/{REPOSITORY}").partition("?")
        if path.startswith(("/compare/", "/contents/", "/commits")):
            return self._source(path, query)
        return self._answer(request)

    def _source(self, path: str, query: str) -> Reply:
        name = path.rpartition("/")[2]
        if path.startswith("/compare/main..."):
            inside = name.partition("...")[2] in self.branches["main"]
            return 200, {"status": "behind" if inside else "diverged"}
        if path.startswith("/contents/"):
            return self._content(path.removeprefix("/contents/"))
        if path.endswith("/pulls"):
            return 200, self.pulls
        if path == "/commits":
            branch = query.partition("sha=")[2].partition("&")[0]
            if branch not in self.branches:
                return 404, {"message": "Not Found"}
            return 200, [self._row(sha) for sha in self.branches[branch]]
        return (200, self._row(name)) if name in self.trees else (404, {"message": "Not Found"})

    def _content(self, path: str) -> Reply:
        if path not in self.files:
            return 404, {"message": "Not Found"}
        return 200, {"encoding": "base64", "content": base64.encodebytes(self.files[path].encode()).decode()}

    def _row(self, sha: str) -> dict[str, Any]:
        return {"sha": sha, "commit": {"tree": {"sha": self.trees[sha]}}}


class Search(Action):
    """The action, with fakes of GitHub, ECR, and the pipeline of dev."""

    def __init__(self) -> None:
        super().__init__(handler.main, PARAMETERS)
        self.github = GitHubOfMerges()
        self.tags = {(name, f"commit-{DEV}"): DIGEST for name in ("shop/app", "shop/jobs")}
        self.runs: list[tuple[str, str]] = [(DEV, "Succeeded")]
        self.on("secretsmanager.GetSecretValue", lambda _: {"SecretString": json.dumps({"token": TOKEN})})
        self.on("ecr.DescribeImages", self._describe)
        self.on("codepipeline.ListPipelineExecutions", self._listed)

    def _describe(self, given: dict[str, Any]) -> dict[str, Any]:
        found = self.tags.get((given["repositoryName"], given["imageIds"][0]["imageTag"]))
        if found is None:
            raise Refused("ImageNotFoundException")
        return {"imageDetails": [{"imageDigest": found}]}

    def _listed(self, given: dict[str, Any]) -> dict[str, Any]:
        assert given["pipelineName"] == "shop-dev"
        return {
            "pipelineExecutionSummaries": [
                {
                    "pipelineExecutionId": "0f1e2d3c-0000-4000-8000-000000000000",
                    "status": status.removesuffix(" back"),
                    "executionType": "ROLLBACK" if status.endswith(" back") else "STANDARD",
                    "sourceRevisions": [{"actionName": "GitHub", "revisionId": commit}],
                }
                for commit, status in self.runs
            ]
        }

    def given(self, **changes: Any) -> Search:
        """Changes the action's parameters."""
        self.parameters = json.dumps({**PARAMETERS, **changes})
        return self


@pytest.fixture(name="action")
def _action(monkeypatch: pytest.MonkeyPatch) -> Iterator[Search]:
    action = Search()
    with action.installed(monkeypatch), action.github.serving():
        monkeypatch.setenv("GITHUB_API_URL", action.github.url)
        yield action


def test_a_merge_commit_finds_the_image_of_the_merged_commit_with_the_same_files(action: Search) -> None:
    action.run()

    assert (action.status, action.message) == ("Succeeded", "")
    assert action.variables == {
        "AppImage": f"{REGISTRY}/shop/app@{DIGEST}",
        "JobsImage": f"{REGISTRY}/shop/jobs@{DIGEST}",
        "COMMIT": MERGE,
        "SNAPSHOT": DEV,
        "RELEASE_VERSION": "1.3.0",
        "RELEASE_TAG": "v1.3.0",
        "GIT_TAG": "1.3.0",
    }


def test_a_fast_forward_finds_the_image_of_the_commit_itself(action: Search) -> None:
    action.given(commit=DEV).run()

    assert (action.variables["COMMIT"], action.variables["SNAPSHOT"]) == (DEV, DEV)


def test_a_merge_with_other_files_than_dev_had_is_not_released_and_nothing_is_built(action: Search) -> None:
    action.github.trees[MERGE] = "9" * 40

    action.run()

    assert action.status == "Failed"
    assert "no commit of dev has the same files as aaaaaaa of main" in action.message
    assert "git switch dev && git merge main && git push" in action.message


def test_an_image_of_the_same_version_but_other_files_is_never_taken(action: Search) -> None:
    action.tags = {(name, f"commit-{OLDER}"): DIGEST for name in ("shop/app", "shop/jobs")}
    action.runs = [(OLDER, "Succeeded"), (DEV, "Succeeded")]

    action.run()

    assert action.status == "Failed"
    assert f"slipway start dev --commit {DEV}; then retry this stage" in action.message


def test_it_waits_while_the_run_of_dev_is_at_work_and_then_takes_its_image(action: Search) -> None:
    action.runs = [(DEV, "InProgress")]
    action.before = lambda _: action.runs.__setitem__(0, (DEV, "Succeeded")) if action.calls_made == 3 else None

    action.run()

    assert (action.status, action.calls_made) == ("Succeeded", 3)


def test_an_image_whose_run_failed_is_not_released(action: Search) -> None:
    action.runs = [(DEV, "Failed")]

    action.run()

    assert action.status == "Failed"
    assert "the run of shop-dev for ddddddd is Failed" in action.message
    assert "slipway retry dev" in action.message


def test_a_run_that_rolled_a_stage_back_is_no_test_of_a_commit(action: Search) -> None:
    action.runs = [(DEV, "Succeeded back")]

    action.run()

    assert action.status == "Failed"
    assert f"shop-dev has no run of {DEV}" in action.message


def test_one_image_of_two_is_not_enough(action: Search) -> None:
    del action.tags["shop/jobs", f"commit-{DEV}"]

    action.run()

    assert (action.status, action.variables) == ("Failed", {})
    assert f"no longer has an image with the tag commit-{DEV}" in action.message


@pytest.mark.parametrize("taken", ["git", "registry"])
def test_a_version_that_is_released_already_stops_with_what_to_type(action: Search, taken: str) -> None:
    if taken == "git":
        action.github.tags["1.3.0"] = OLDER
    else:
        action.tags["shop/app", "v1.3.0"] = "sha256:" + "c" * 64

    action.run()

    assert action.status == "Failed"
    assert "1.3.0 is released already" in action.message
    assert (
        "Raise the version in pyproject.toml on dev, e.g. to 1.3.1; push dev, and merge it into main" in action.message
    )


def test_a_release_that_was_begun_goes_on(action: Search) -> None:
    action.github.tags["1.3.0"] = MERGE
    action.tags["shop/app", "v1.3.0"] = DIGEST

    assert action.run().status == "Succeeded"


def test_a_merged_pull_request_releases_the_commit_that_it_was_merged_by(action: Search) -> None:
    action.github.branches["main"] = [MERGE]  # it was squashed: main does not contain dev's commit
    action.github.pulls = [_pull()]

    action.given(commit=DEV).run()

    assert (action.status, action.variables["COMMIT"], action.variables["SNAPSHOT"]) == ("Succeeded", MERGE, DEV)


@pytest.mark.parametrize(
    "change",
    [
        {"merged_at": None},
        {"base": {"ref": "release"}},
        {"head": {"ref": "feature/x", "sha": DEV, "repo": {"full_name": REPOSITORY}}},
        {"head": {"ref": "dev", "sha": DEV, "repo": {"full_name": "stranger/fork"}}},
        {"head": {"ref": "dev", "sha": DEV, "repo": None}},
        {"head": {"ref": "dev", "sha": OLDER, "repo": {"full_name": REPOSITORY}}},
    ],
    ids=[
        "closed",
        "to another branch",
        "from another branch",
        "from a fork",
        "from a deleted fork",
        "of another commit",
    ],
)
def test_a_pull_request_that_did_not_merge_dev_releases_nothing(action: Search, change: dict[str, Any]) -> None:
    action.github.branches["main"] = [MERGE]
    action.github.pulls = [{**_pull(), **change}]

    action.given(commit=DEV).run()

    assert (action.status, action.variables) == ("Failed", {})
    assert "nothing is released" in action.message


def _pull() -> dict[str, Any]:
    return {
        "merged_at": "2026-11-30T12:00:00Z",
        "merge_commit_sha": MERGE,
        "base": {"ref": "main"},
        "head": {"ref": "dev", "sha": DEV, "repo": {"full_name": REPOSITORY}},
    }


def test_a_deleted_branch_is_named(action: Search) -> None:
    del action.github.branches["dev"]

    assert "has no branch dev: push it again" in action.run().message


def test_a_commit_without_a_version_says_what_to_write(action: Search) -> None:
    action.github.files["pyproject.toml"] = "[tool.x]\n"

    assert 'no version in pyproject.toml; write one: [project] version = "1.0.0"' in action.run().message


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize("operation", ["ecr.DescribeImages", "codepipeline.ListPipelineExecutions"])
def test_a_transient_fault_costs_time_and_nothing_else(action: Search, operation: str, fault: str) -> None:
    action.faults[operation] = [fault]

    assert action.run().status == "Succeeded"


@pytest.mark.parametrize(
    ("path", "text", "version"),
    [
        ("pyproject.toml", '[project]\nversion = "1.2.0"  # by hand\n', "1.2.0"),
        ("pyproject.toml", "[tool.poetry]\nversion = '2.0.0'\n", "2.0.0"),
        ("pyproject.toml", '[project]\nversion = "1.2.0+local"\n', "1.2.0-local"),
        ("package.json", '{"version": "0.1.0"}', "0.1.0"),
        ("config/__init__.py", "__version__: str = '3.4.6'\n", "3.4.6"),
    ],
)
def test_the_version_is_read_as_the_build_reads_it(path: str, text: str, version: str) -> None:
    """The cases are those of tests/builds/test_image.py."""
    assert version_in(path, text) == version


@pytest.mark.parametrize(
    ("path", "text"),
    [("pyproject.toml", "[project"), ("pyproject.toml", "project = 1"), ("package.json", "[]"), ("v.py", "x = 1")],
)
def test_a_file_without_a_version_is_named(path: str, text: str) -> None:
    with pytest.raises(ValueError, match=path):
        version_in(path, text)


@pytest.mark.parametrize(
    ("version", "next_one"), [("1.2.9", "1.2.10"), ("1.2.0rc1", "1.2.0rc2"), ("1.x", "2.x"), ("nightly", "nightly.1")]
)
def test_an_example_of_the_next_version_raises_the_last_number(version: str, next_one: str) -> None:
    assert following(version) == next_one
