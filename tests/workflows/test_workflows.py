"""The GitHub workflows are secure, and the review comment is created once and then updated."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from paths import ROOT
from slipway_cli.review.markdown import LIMIT, mark
from tests.support.synthesis import PRODUCTS

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
BIN = Path(sys.executable).parent

Json = dict[str, Any]


def workflow(path: Path) -> Json:
    # YAML 1.1 reads the key `on` as true; no test needs it.
    found: Json = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def steps(path: Path) -> list[Json]:
    return [step for job in workflow(path)["jobs"].values() for step in job["steps"]]


def program(job: str, step: str) -> str:
    """Returns the script of a step of review.yml."""
    (found,) = [
        candidate for candidate in workflow(FOLDER / "review.yml")["jobs"][job]["steps"] if candidate["name"] == step
    ]
    return str(found["run"])


def test_zizmor_finds_nothing_even_in_pedantic_mode() -> None:
    zizmor = [
        str(BIN / "zizmor"),
        "--offline",
        "--persona",
        "pedantic",
        "--format",
        "json",
        "--no-progress",
        str(FOLDER),
    ]
    done = subprocess.run(zizmor, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout) == []


def test_no_finding_of_zizmor_is_ignored() -> None:
    assert [path.name for path in FILES if "zizmor:" in path.read_text()] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit_with_its_version(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(?: # (\S+))?", path.read_text())

    assert used
    for action, version in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r"v\d+\.\d+\.\d+", version)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_workflow_runs_foreign_code_with_write_permissions(path: Path) -> None:
    text = re.sub(r"#.*", "", path.read_text())

    assert "pull_request_target" not in text
    assert "workflow_run" not in text
    assert "secrets." not in text
    for job in workflow(path)["jobs"].values():
        checks_out = any("actions/checkout" in str(step.get("uses")) for step in job["steps"])
        assert not (checks_out and "write" in str(job["permissions"]))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_scripts_of_steps_pass_shellcheck_and_have_no_expressions(path: Path, tmp_path: Path) -> None:
    for number, step in enumerate(step for step in steps(path) if "run" in step):
        assert "${{" not in step["run"]
        script = tmp_path / f"{number}.sh"
        script.write_text(f"#!/usr/bin/env bash\n{step['run']}\n")
        done = subprocess.run([BIN / "shellcheck", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_every_shipped_product_is_reviewed() -> None:
    for job in workflow(FOLDER / "review.yml")["jobs"].values():
        assert job["strategy"]["matrix"]["product"] == PRODUCTS


class GitHub:
    """A stand-in for `gh` that lists comments from a file and records changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "report").mkdir()
        jq = shutil.which("jq")
        if jq is None:
            pytest.skip("the stand-in for `gh` needs jq; install it")
        gh = folder / "gh"
        gh.write_text(
            "#!/usr/bin/env bash\n"
            'case " $* " in\n'
            f'  *" --method "*) printf "%s\\n" "$*" >>"{folder}/changes" ;;\n'
            f'  *) "{jq}" -r "${{@: -1}}" "{folder}/comments.json" ;;\n'
            "esac\n"
        )
        gh.chmod(0o755)
        self.answer([])

    def answer(self, comments: list[Json]) -> None:
        (self.folder / "comments.json").write_text(json.dumps(comments))

    def report(self, text: str) -> None:
        (self.folder / "report" / "comment.md").write_text(text, encoding="utf-8")

    def comment(self) -> subprocess.CompletedProcess[str]:
        variables = {"REPOSITORY": "o/r", "NUMBER": "7", "PRODUCT": "allthrive"}
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        script = program("comment", "Create or update the comment")
        # The shell that GitHub uses: bash --noprofile --norc -eo pipefail
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env=os.environ | variables | {"PATH": path, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def changes(self) -> list[str]:
        path = self.folder / "changes"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def github(tmp_path: Path) -> GitHub:
    return GitHub(tmp_path)


def comment(body: str, number: int, author: str = "github-actions[bot]") -> Json:
    return {"id": number, "user": {"login": author}, "body": body}


def test_a_first_report_becomes_a_comment(github: GitHub) -> None:
    github.answer([comment("nice work", 1, "somebody")])
    github.report(f"{mark('allthrive')}\n## Nothing changes\n")

    assert github.comment().returncode == 0
    assert github.changes == ["api --silent --method POST repos/o/r/issues/7/comments --field body=@report/comment.md"]


def test_the_next_report_updates_it_and_leaves_others_alone(github: GitHub) -> None:
    ours = mark("allthrive")
    github.answer(
        [
            comment(ours, 1, "somebody"),
            comment(mark("edenco"), 2),
            comment(f"{ours}\nold", 3),
            comment(f"{ours}\ntwice", 4),
        ]
    )
    github.report(f"{ours}\n## Nothing changes\n")

    assert github.comment().returncode == 0
    assert github.changes == ["api --silent --method PATCH repos/o/r/issues/comments/3 --field body=@report/comment.md"]


@pytest.mark.parametrize(
    "text", ["hello", f"{mark('edenco')}\n", f"{mark('allthrive')}\n{'ü' * LIMIT}"], ids=["foreign", "other", "long"]
)
def test_a_text_that_is_not_a_report_on_the_product_is_not_posted(github: GitHub, text: str) -> None:
    github.report(text)

    done = github.comment()

    assert done.returncode == 1
    assert "::error::" in done.stdout
    assert github.changes == []


def test_a_symbolic_link_in_place_of_the_report_is_not_followed(github: GitHub) -> None:
    secret = github.folder / "secret"
    secret.write_text(f"{mark('allthrive')}\nsecret\n")
    (github.folder / "report" / "comment.md").symlink_to(secret)

    assert github.comment().returncode == 1
    assert github.changes == []


def compared(folder: Path, review: str) -> Json:
    """Returns the files that the step `Compare` writes, with a stand-in script for the review."""
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/usr/bin/env bash\n{review}\n")
    python.chmod(0o755)
    variables = {
        "PRODUCT": "allthrive",
        "BASE": "origin/main",
        "LABELS": "a,b",
        "RUN": "https://github.com/o/r/actions/runs/1",
    }
    files = {"GITHUB_STEP_SUMMARY": str(folder / "summary"), "GITHUB_OUTPUT": str(folder / "output")}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", program("report", "Compare")],
        cwd=folder,
        env=os.environ | variables | files,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name: (folder / name).read_text() for name in ("summary", "output", "report/comment.md")}


def test_the_full_report_on_a_forbidden_change_is_kept_before_the_job_fails(tmp_path: Path) -> None:
    files = compared(tmp_path, 'printf "%s\\n" "$*" >report/arguments; echo "the report" >report/comment.md; exit 1')

    assert files["summary"] == files["report/comment.md"] == "the report\n"
    assert files["output"] == "code=1\n"
    arguments = (tmp_path / "report" / "arguments").read_text()
    assert "--product allthrive --base origin/main --labels a,b" in arguments
    assert "--trailers" not in arguments


def test_without_a_report_the_comment_says_why(tmp_path: Path) -> None:
    files = compared(tmp_path, 'echo "products/allthrive.yaml:3: <b>name</b>: missing" >&2; exit 2')

    assert files["report/comment.md"].startswith(f"{mark('allthrive')}\n## There is no report on allthrive\n\n")
    # Indented, so that GitHub shows it verbatim.
    assert "\n    products/allthrive.yaml:3: <b>name</b>: missing\n" in files["report/comment.md"]
    assert files["output"] == "code=2\n"


def test_the_job_fails_with_the_exit_code_of_the_review() -> None:
    last = program("report", "Fail if the manifest forbids the change, or there is no report")

    for code in (0, 1, 2):
        assert subprocess.run(["bash", "-c", last], env={"CODE": str(code)}, check=False).returncode == code
