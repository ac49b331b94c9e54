"""`python -m slipway_cli.review` with two folders: its files and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from paths import ROOT
from slipway_cli.review.__main__ import main
from slipway_cli.review.synths import git
from tests.support.manifests import product

DATABASE = {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Retain", "Properties": {"Engine": "postgres"}}


def assembly(folder: Path, resources: Any, version: str = "55.0.0", name: str = "production-shop-data") -> Path:
    folder.mkdir()
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://111122223333/us-east-1",
        "properties": {"templateFile": "s.json", "stackName": name},
        "displayName": "production/Data",
    }
    (folder / "manifest.json").write_text(json.dumps({"version": version, "artifacts": {"s": stack}}))
    (folder / "s.json").write_text(json.dumps({"Resources": resources}))
    return folder


def run(tmp_path: Path, before: Any, after: Any, *more: str, version: str = "55.0.0") -> int:
    folders = [assembly(tmp_path / "before", before, version), assembly(tmp_path / "after", after)]
    arguments = ["--before", str(folders[0]), "--after", str(folders[1]), "--output", str(tmp_path / "out"), *more]
    return main(arguments)


def test_a_change_that_nothing_forbids_is_exit_code_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, {"D": DATABASE}, {"E": DATABASE}) == 0

    output = capsys.readouterr().out
    assert "logical id `D` → `E`" in output
    assert (tmp_path / "out" / "report.md").read_text() == output
    assert (tmp_path / "out" / "comment.md").read_text() == output


@pytest.fixture
def forbidding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes AllThrive's manifest forbid a rule."""
    manifest = product({"review": {"forbid": ["replace-stateful"]}})
    monkeypatch.setattr("slipway_cli.review.work.load", lambda _: manifest)


@pytest.mark.usefixtures("forbidding")
def test_a_forbidden_change_is_exit_code_1_and_says_how_to_allow_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, {"D": DATABASE}, {"E": DATABASE}) == 1

    output = capsys.readouterr().err
    assert "replace-stateful: production-shop-data: e: logical id" in output
    assert "label allow:replace-stateful, or a commit with `Allow-Change: replace-stateful, reason`" in output
    assert (tmp_path / "out" / "comment.md").is_file()


@pytest.mark.usefixtures("forbidding")
def test_a_label_allows_it(tmp_path: Path) -> None:
    assert run(tmp_path, {"D": DATABASE}, {"E": DATABASE}, "--labels", "bug,allow:replace-stateful") == 0

    assert "allowed by `label allow:replace-stateful`" in (tmp_path / "out" / "comment.md").read_text()


def test_bad_input_is_exit_code_2_and_leaves_no_comment_not_even_an_old_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "comment.md").write_text("of yesterday")

    assert main(["--before", str(tmp_path), "--after", str(tmp_path), "--output", str(out)]) == 2
    assert "not a folder that `cdk synth` wrote" in capsys.readouterr().err
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--product", "nobody", "--base", "main"], "products/nobody.yaml"),
        (["--base", "main", "--labels", "allow:x"], "no rule 'x'"),
        (["--base", "no-such-branch"], "git does not know 'no-such-branch'"),
        (["--before", "x"], "--after"),
        (["--base", "main", "--after", "x"], "--before"),
    ],
)
def test_wrong_arguments_are_exit_code_2_with_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main([*arguments, "--output", str(tmp_path)]) == 2

    assert says in capsys.readouterr().err


def test_an_assembly_of_another_cdk_version_is_compared_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, {"D": DATABASE}, {"D": DATABASE}, version="48.0.0") == 0

    assert (
        "The base was synthesized by another version of CDK (assembly schema 48.0.0, now 55.0.0)"
        in capsys.readouterr().out
    )


@pytest.mark.slow
def test_the_last_commit_of_this_repository_is_synthesized_and_compared(tmp_path: Path) -> None:
    if git(ROOT, "rev-parse", "HEAD") is None:
        pytest.skip("this is no git checkout, so there is no base to compare with")

    assert main(["--base", "HEAD", "--output", str(tmp_path)]) == 0

    output = (tmp_path / "comment.md").read_text()
    assert "`allthrive` compared with `HEAD`" in output
    assert {path.name for path in tmp_path.iterdir()} == {"comment.md", "report.html", "report.md"}
    assert "slipway-review-" not in (git(ROOT, "worktree", "list") or "")
