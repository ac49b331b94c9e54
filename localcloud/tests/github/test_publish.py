"""A product's folder becomes a repository in the local GitHub, with a working clone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from localcloud.github.publish import publish
from localcloud.github.repositories import GitError, Repositories
from localcloud.settings import Settings
from localcloud.testing.plain import free_port

pytestmark = pytest.mark.local


@pytest.fixture(name="settings")
def _settings(tmp_path: Path) -> Settings:
    return Settings(port=free_port(), state=tmp_path / "state", docker=False)


@pytest.fixture(name="source")
def _source(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "README.md").write_text("hello", encoding="utf-8")
    (source / "sub" / "run").write_text("#!/bin/sh\n", encoding="utf-8")
    (source / "sub" / "run").chmod(0o755)
    (source / ".gitignore").write_text("ignored\n", encoding="utf-8")
    (source / "ignored").write_text("x", encoding="utf-8")
    return source


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Mary Major", "-c", "user.email=mary@example.com"]
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_the_first_commit_has_all_files_not_ignored_and_is_the_same_on_every_machine(
    settings: Settings, source: Path, tmp_path: Path
) -> None:
    shutil.copytree(source, tmp_path / "other")

    first = publish(source, "acme", "shop", "main", settings=settings)
    second = publish(tmp_path / "other", "acme", "shop2", "main", settings=settings)

    listed = git(first.clone, "ls-tree", "-r", "--format=%(objectmode) %(path)", "HEAD").splitlines()
    assert listed == ["100644 .gitignore", "100644 README.md", "100755 sub/run"]
    commit, same = first.repository.commit("main"), second.repository.commit("main")
    assert commit is not None
    assert same is not None
    assert commit.tree == same.tree
    assert commit.author.date.startswith("2026-01-01")
    assert (source / "README.md").read_text(encoding="utf-8") == "hello"


def test_other_folders_are_in_the_first_commit_under_their_path(
    settings: Settings, source: Path, tmp_path: Path
) -> None:
    platform = tmp_path / "platform"
    platform.mkdir()
    (platform / "cdk.json").write_text("{}", encoding="utf-8")

    published = publish(source, "acme", "shop", "main", folders={"infra/aws": platform}, settings=settings)

    listed = git(published.clone, "ls-tree", "-r", "--name-only", "HEAD").splitlines()
    assert listed == [".gitignore", "README.md", "infra/aws/cdk.json", "sub/run"]


def test_files_that_a_surrounding_repository_ignores_are_left_out(settings: Settings, source: Path) -> None:
    git(source.parent, "init", "-q")
    (source.parent / ".gitignore").write_text("*.pyc\n", encoding="utf-8")
    (source / "x.pyc").write_text("x", encoding="utf-8")
    git(source.parent, "add", "--all")
    git(source.parent, "commit", "-q", "-m", "x")
    (source / "README.md").write_text("changed", encoding="utf-8")
    (source / "sub" / "run").unlink()

    made = publish(source, "acme", "shop", "main", settings=settings)

    assert git(made.clone, "ls-files").splitlines() == [".gitignore", "README.md"]
    assert (made.clone / "README.md").read_text(encoding="utf-8") == "changed"


def test_the_clone_pushes_to_the_local_cloud_without_a_proxy(settings: Settings, source: Path) -> None:
    made = publish(source, "acme", "shop", "develop", settings=settings)

    assert made.clone == settings.state / "work" / "shop"
    assert git(made.clone, "remote", "get-url", "origin") == f"http://github.localhost:{settings.port}/acme/shop.git"
    assert git(made.clone, "config", "--get-urlmatch", "http.proxy", made.url) == ""
    assert git(made.clone, "branch", "--show-current") == "develop"
    assert made.repository.default_branch == "develop"


def test_publishing_again_keeps_the_users_commits(settings: Settings, source: Path) -> None:
    made = publish(source, "acme", "shop", "main", settings=settings)
    (made.clone / "README.md").write_text("mine", encoding="utf-8")
    git(made.clone, "commit", "-q", "-a", "-m", "mine")
    mine = git(made.clone, "rev-parse", "HEAD")
    first = made.repository.resolve("main")

    publish(source, "acme", "shop", "main", settings=settings)
    assert (made.repository.resolve("main"), git(made.clone, "rev-parse", "HEAD")) == (first, mine)

    Repositories(settings.repositories).clear()
    again = publish(source, "acme", "shop", "main", settings=settings)
    assert again.repository.resolve("main") == mine


def test_the_repository_stores_facts_of_the_manifest(settings: Settings, source: Path) -> None:
    facts = {"secret": "shop/github", "repository-id": "7", "owner-id": "8"}

    made = publish(source, "acme", "shop", "main", facts=facts, settings=settings)
    assert {name: made.repository.setting(name) for name in facts} == facts

    again = publish(source, "acme", "shop", "main", facts={"secret": "other"}, settings=settings)
    assert again.repository.setting("secret") == "other"


def test_a_folder_that_is_not_the_clone_is_left_unchanged(settings: Settings, source: Path) -> None:
    clone = settings.state / "work" / "shop"
    clone.mkdir(parents=True)
    (clone / "thesis.txt").write_text("x", encoding="utf-8")

    with pytest.raises(GitError, match="is not a clone of acme/shop; expected nothing there"):
        publish(source, "acme", "shop", "main", settings=settings)

    assert (clone / "thesis.txt").exists()


def test_a_name_that_is_a_path_is_refused(settings: Settings, source: Path) -> None:
    for owner, name in (("..", "shop"), ("acme", "../shop"), ("", "shop"), ("acme", ".git")):
        with pytest.raises(GitError):
            publish(source, owner, name, "main", settings=settings)
