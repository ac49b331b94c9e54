"""The drills and the runbook belong together: a drill types what is written, and what is written is rehearsed."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path

import pytest

from localcloud.testing.plain import Plain, plain
from paths import ROOT
from slipway_cli.drills.book import DRILLS
from slipway_cli.drills.runbook import PAGE, RunbookError, anchor, blocks, preamble, section
from slipway_cli.main import main
from tests.docs.test_runbook import headings

__all__ = ["plain"]


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_every_drill_has_its_heading_and_the_heading_names_it(drill: object) -> None:
    assert isinstance(drill, type(DRILLS[0]))
    assert anchor(drill.heading) in headings(PAGE)
    assert f"`{drill.name}`" in section(drill.heading)


@pytest.mark.parametrize("module", ["releases", "stores", "outages", "restore"])
def test_every_block_a_drill_types_is_in_the_runbook(module: str) -> None:
    tree = ast.parse((ROOT / "slipway_cli" / "drills" / f"{module}.py").read_text(encoding="utf-8"))
    typed = 0
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "documented":
            heading, *numbers = [ast.literal_eval(argument) for argument in call.args]
            assert len(blocks(heading)) > max(numbers), heading
            for keyword in call.keywords:
                if keyword.arg == "replace" and isinstance(keyword.value, ast.Dict):
                    replaced = [key.value for key in keyword.value.keys if isinstance(key, ast.Constant)]
                    assert [word for word in replaced if str(word) not in "".join(blocks(heading))] == [], heading
            typed += 1
    assert typed


@pytest.mark.parametrize("block", range(len(re.findall(r"```sh\n", PAGE.read_text(encoding="utf-8")))))
def test_every_block_of_the_runbook_is_what_a_shell_can_read(block: int, tmp_path: Path) -> None:
    text = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[block]
    # What a person fills in stands in angle brackets, which a shell would take for a file.
    script = re.sub(r"<[A-Za-z][^<>\n]*>", "FILLED", text)
    done = subprocess.run(["bash", "-n", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_definitions_are_those_of_another_environment_and_product() -> None:
    told = preamble("staging", "edenco")
    assert "E=staging P=edenco;" in told
    assert "PIPELINE=edenco-main STAGE=Staging" in told


def test_a_heading_that_is_not_there_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("## One\n\n```sh\n# no heading\necho 1\n```\n\n## Two\n")
    assert blocks("One", page) == ["# no heading\necho 1\n"]
    assert blocks("Two", page) == []
    with pytest.raises(RunbookError, match="no heading 'Three'"):
        section("Three", page)


def test_without_a_name_the_drills_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drill"]) == 0
    printed = capsys.readouterr().out
    assert all(drill.name in printed for drill in DRILLS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bad-imag"], "did you mean 'bad-image'"),
        (["bad-image", "--environment", "stagin"], "no environment 'stagin' in allthrive"),
        (["bad-image", "--product", "allthriv"], "allthriv"),
    ],
)
def test_what_is_asked_wrongly_is_told_with_exit_code_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drill", *words]) == 2
    assert said in capsys.readouterr().err


def test_without_a_running_demo_a_drill_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCALCLOUD_STATE", str(tmp_path))
    assert main(["drill", "bad-image"]) == 1
    said = capsys.readouterr().err
    assert "no local cloud of this checkout is up" in said
    assert said.rstrip().endswith(" demo")


@pytest.mark.local
def test_a_drill_on_a_cloud_where_the_demo_never_ran_says_what_to_type(
    plain: Plain, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.environ", {**os.environ, "LOCALCLOUD_STATE": str(plain.state)})
    assert main(["drill", "bad-image", "--product", "allthrive"]) == 1
    printed = capsys.readouterr().out
    assert "staging does not serve yet" in printed
    assert "FAILED  bad-image" in printed
