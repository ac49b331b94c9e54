"""The drills and the runbook match: a drill runs commands of the runbook, and the runbook names its drills."""

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
def test_every_drill_has_a_heading_in_the_runbook_which_names_the_drill(drill: object) -> None:
    assert isinstance(drill, type(DRILLS[0]))
    assert anchor(drill.heading) in headings(PAGE)
    assert f"`{drill.name}`" in section(drill.heading)


@pytest.mark.parametrize("module", ["releases", "stores", "outages", "restore"])
def test_every_command_block_of_a_drill_is_in_the_runbook(module: str) -> None:
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
def test_every_block_of_the_runbook_is_valid_shell_syntax(block: int, tmp_path: Path) -> None:
    text = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[block]
    # The runbook has placeholders in angle brackets, which a shell would read as redirections.
    script = re.sub(r"<[A-Za-z][^<>\n]*>", "FILLED", text)
    done = subprocess.run(["bash", "-n", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_definitions_are_adapted_to_an_environment_and_product() -> None:
    definitions = preamble("staging", "edenco")
    assert "E=staging P=edenco;" in definitions
    assert "PIPELINE=edenco-main STAGE=Staging" in definitions


def test_a_missing_heading_is_named(tmp_path: Path) -> None:
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
    ("arguments", "message"),
    [
        (["bad-imag"], "did you mean 'bad-image'"),
        (["bad-image", "--environment", "stagin"], "no environment 'stagin' in allthrive"),
        (["bad-image", "--product", "allthriv"], "allthriv"),
    ],
)
def test_a_usage_error_exits_with_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drill", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_without_a_running_demo_a_drill_prints_the_command_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCALCLOUD_STATE", str(tmp_path))
    assert main(["drill", "bad-image"]) == 1
    error = capsys.readouterr().err
    assert "the local cloud of this checkout is not running" in error
    assert error.rstrip().endswith(" demo")


@pytest.mark.local
def test_a_drill_on_a_cloud_without_the_demo_prints_the_command_to_type(
    plain: Plain, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.environ", {**os.environ, "LOCALCLOUD_STATE": str(plain.state)})
    assert main(["drill", "bad-image", "--product", "allthrive"]) == 1
    printed = capsys.readouterr().out
    assert "staging does not serve yet" in printed
    assert "FAILED  bad-image" in printed
