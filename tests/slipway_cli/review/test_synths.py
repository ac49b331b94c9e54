"""Synthesizes both sides of a comparison, in a repository with a stand-in for app.py."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from slipway_cli.review.errors import ReviewError
from slipway_cli.review.forbidden import by_labels, by_trailers, rules_at
from slipway_cli.review.synths import git, synthesized

APP = """
import json, os, pathlib, sys
product = json.loads(os.environ["CDK_CONTEXT_JSON"])["product"]
text = pathlib.Path("products", product + ".yaml").read_text()
if "broken" in text:
    sys.exit("Oops: the manifest is broken")
out = pathlib.Path(os.environ["CDK_OUTDIR"])
out.mkdir()
properties = {"templateFile": "s.json", "stackName": "shop-data"}
stack = {"type": "aws:cloudformation:stack", "properties": properties, "displayName": "production/Data"}
(out / "manifest.json").write_text(json.dumps({"version": "55.0.0", "artifacts": {"s": stack}}))
(out / "s.json").write_text(json.dumps({"Description": text}))
"""


class Repository:
    """A git repository with the stand-in app, on `main`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run("init", "--quiet", "--initial-branch", "main")
        self.write("app.py", APP)
        self.write("cdk.json", json.dumps({"context": {}}))
        self.write("products/shop.yaml", "one")
        self.commit("first")

    def run(self, *arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *identity, *arguments], cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def commit(self, message: str) -> None:
        self.run("add", "--all")
        self.run("commit", "--quiet", "--allow-empty", "--message", message)

    def described(self, base: str = "main") -> tuple[Any, Any]:
        before, after = synthesized("shop", base, self.folder)
        was, other = (
            assembly.stacks[0].template["Description"] if assembly.stacks else None for assembly in (before, after)
        )
        return was, other


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_the_base_is_committed_and_the_change_is_the_working_tree(repository: Repository) -> None:
    repository.write("products/shop.yaml", "two")

    assert repository.described() == ("one", "two")


def test_later_commits_of_the_base_are_not_part_of_the_change(repository: Repository) -> None:
    repository.run("checkout", "--quiet", "-b", "mine")
    repository.run("checkout", "--quiet", "main")
    repository.write("products/shop.yaml", "others")
    repository.commit("others")
    repository.run("checkout", "--quiet", "mine")

    assert repository.described() == ("one", "one")


def test_no_worktree_is_left(repository: Repository) -> None:
    repository.described()

    assert len(repository.run("worktree", "list").splitlines()) == 1


def test_a_new_product_has_no_assembly_in_the_base(repository: Repository) -> None:
    repository.run("rm", "--quiet", "products/shop.yaml")
    repository.commit("gone")
    repository.write("products/shop.yaml", "new")

    assert repository.described() == (None, "new")


def test_an_unknown_base_is_refused_with_advice(repository: Repository) -> None:
    with pytest.raises(ReviewError, match=r"git does not know 'mian'; write a branch.*fetch-depth: 0"):
        repository.described("mian")


@pytest.mark.parametrize("base", ["--upload-pack=x", "", "main; ls", "HEAD~99"])
def test_an_invalid_base_is_refused(repository: Repository, base: str) -> None:
    with pytest.raises(ReviewError, match="git does not know"):
        repository.described(base)


def test_a_base_that_does_not_synthesize_is_reported_with_its_output(repository: Repository) -> None:
    repository.write("products/shop.yaml", "broken")
    repository.commit("break it")
    repository.write("products/shop.yaml", "mended")

    with pytest.raises(
        ReviewError, match=r"the base main \([0-9a-f]{8}\) does not synthesize \(exit code 1\):\n  Oops"
    ):
        repository.described()
    assert len(repository.run("worktree", "list").splitlines()) == 1


def test_a_working_tree_that_does_not_synthesize_is_distinguished_from_the_base(repository: Repository) -> None:
    repository.write("products/shop.yaml", "broken")

    with pytest.raises(ReviewError, match=r"^the working tree does not synthesize"):
        repository.described()


def test_a_base_that_is_not_slipway_is_refused(repository: Repository) -> None:
    repository.run("rm", "--quiet", "app.py")
    repository.commit("no app")
    repository.write("app.py", APP)

    with pytest.raises(ReviewError, match=r"no app\.py"):
        repository.described()


def test_the_rules_of_the_base_apply_even_if_the_change_removes_them(repository: Repository) -> None:
    repository.write("products/shop.yaml", "review: {forbid: [broaden-iam, no-such-rule]}")
    repository.commit("forbid")
    repository.write("products/shop.yaml", "review: {}")

    assert rules_at("main", "shop", repository.folder) == {"broaden-iam"}


@pytest.mark.parametrize("text", ["", "review: 1", "review: {forbid: 1}", "review: {forbid: [{}]}", "a: ["])
def test_a_base_without_rules_forbids_nothing(repository: Repository, text: str) -> None:
    repository.write("products/shop.yaml", text)
    repository.commit("odd")

    assert rules_at("main", "shop", repository.folder) == frozenset()


def test_a_trailer_of_a_commit_since_the_base_allows_a_rule_with_its_reason(repository: Repository) -> None:
    repository.run("checkout", "--quiet", "-b", "mine")
    repository.commit("Move it\n\nAllow-Change: replace-stateful, the data was copied")
    commit = git(repository.folder, "rev-parse", "--short", "HEAD")

    assert by_trailers("main", repository.folder) == {"replace-stateful": f"commit {commit}: the data was copied"}


def test_a_trailer_before_the_base_allows_nothing(repository: Repository) -> None:
    repository.commit("Old\n\nAllow-Change: replace-stateful")

    assert by_trailers("main", repository.folder) == {}


def test_a_trailer_that_names_no_rule_is_refused_with_the_rules(repository: Repository) -> None:
    repository.run("checkout", "--quiet", "-b", "mine")
    repository.commit("Move it\n\nAllow-Change: replace")

    with pytest.raises(ReviewError, match=r"there is no rule 'replace'; write one of: replace-stateful, "):
        by_trailers("main", repository.folder)


def test_a_label_allows_a_rule_and_other_labels_are_ignored() -> None:
    assert by_labels(["bug", " allow:broaden-iam ", ""]) == {"broaden-iam": "label allow:broaden-iam"}


def test_a_label_that_names_no_rule_is_refused() -> None:
    with pytest.raises(ReviewError, match="label 'allow:everything': there is no rule 'everything'"):
        by_labels(["allow:everything"])
