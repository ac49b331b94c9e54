"""The model of AWS times: its arithmetic, and a time for each action of each pipeline. No test asserts a time."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from bench import critical_path
from bench.aws_times import TIMES
from bench.critical_path import CHECKS, COMPUTE, PULLS, WORK, length, parts, seconds
from bench.pipeline_graphs import Graph, Step, before, cdk_pipelines, now, sequential
from paths import ROOT
from products.flows import Kind

BEFORE, NOW = before(), now()


def step(stage: str, name: str, order: int, kind: str = "SEQUENCE", compute: str = "pipeline") -> Step:
    return Step(stage, name, order, kind, compute=compute)


@pytest.fixture
def seconds_of_work(monkeypatch: pytest.MonkeyPatch) -> Graph:
    """Three stages with known times: no action takes time but for its work of 10, 20, … seconds."""
    given = {f"work {number}": dataclasses.replace(TIMES["seo"], seconds=number) for number in (10, 20, 30)}
    none = dataclasses.replace(TIMES["seo"], seconds=0)
    monkeypatch.setattr(critical_path, "TIMES", {**dict.fromkeys(TIMES, none), **given})
    monkeypatch.setattr(critical_path, "WORK", {f"K{number}": (f"work {number}",) for number in (10, 20, 30)})
    return (
        step("Source", "A", 1, "K10"),
        step("Test", "B", 1, "K10"),
        step("Test", "C", 1, "K30"),
        step("Test", "D", 2, "K20"),
        step("Release", "E", 1, "K10"),
    )


def test_parallel_actions_take_as_long_as_the_longest_and_orders_and_stages_add_up(seconds_of_work: Graph) -> None:
    assert length(seconds_of_work) == 10 + 30 + 20 + 10
    assert [step.name for step in critical_path.critical_path(seconds_of_work)] == ["A", "C", "D", "E"]


def test_in_sequence_all_actions_add_up(seconds_of_work: Graph) -> None:
    assert length(sequential(seconds_of_work)) == 10 + 10 + 30 + 20 + 10


def test_a_build_pays_for_its_machine_and_a_function_does_not() -> None:
    small, function = (step("Release", "A", 1, "RELEASE", compute) for compute in ("small", "function"))

    assert seconds(small) - seconds(function) == sum(TIMES[part].seconds for part in COMPUTE["small"]) - sum(
        TIMES[part].seconds for part in COMPUTE["function"]
    )


@pytest.mark.parametrize("pipeline", sorted(NOW.keys() | BEFORE.keys()))
def test_every_action_of_every_pipeline_has_a_time(pipeline: str) -> None:
    graphs = [found[pipeline] for found in (NOW, BEFORE) if pipeline in found]
    steps = [step for graph in graphs for form in (graph, sequential(graph), cdk_pipelines(graph)) for step in form]

    assert {
        step.label for step in steps if step.compute == "pipeline" and step.kind not in ("SOURCE", "APPROVAL")
    } == set()
    for found in steps:
        assert all(part in TIMES for part in parts(found)), found


def test_every_kind_of_action_has_its_work() -> None:
    assert {kind.name for kind in Kind} - WORK.keys() == {"CHECK"}


def test_every_time_is_used_and_says_where_it_is_from() -> None:
    tables = (WORK, CHECKS, COMPUTE, PULLS)
    used = {part for table in tables for row in table.values() for part in row}

    assert TIMES.keys() - used == {"transition", "other check"}
    for name, time in TIMES.items():
        assert time.seconds > 0, name
        assert len(time.source) > len("a source"), name
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", time.read), name


def test_the_pipelines_before_are_those_of_all_products() -> None:
    assert {"allthrive-main", "edenco-main", "ame-timesheets-main", "book-shop-dev", "showcase-main"} <= BEFORE.keys()
    assert [step.name for step in BEFORE["allthrive-main"] if step.stage == "Publish"] == [
        "Backend",
        "Bundle",
        "ScanBackend",
    ]


def test_the_report_names_every_pipeline_and_the_critical_path_of_each_release() -> None:
    printed = critical_path.report()

    assert all(f"\n{pipeline} " in printed for pipeline in NOW)
    assert "Critical path of allthrive-main" in printed
    assert "Critical path of allthrive-feature" not in printed


def test_a_recorded_run_is_shown_beside_the_model(tmp_path: Path) -> None:
    recorded = {
        "pipeline": "allthrive-main",
        "run": "1",
        "actions": [
            {"stage": "Test", "action": "Seo", "seconds": 21.4},
            {"stage": "Test", "action": "Removed", "seconds": 3.0},
        ],
    }
    file = tmp_path / "times.json"
    file.write_text(json.dumps(recorded), encoding="utf-8")

    lines = critical_path.compared(file).splitlines()

    assert lines[2].split()[:2] == ["Test/Seo", "21"]
    assert "provision lambda" in lines[2]
    assert lines[3].endswith("not in the model")


@pytest.mark.parametrize(
    "pipeline", ["allthrive-main", "edenco-main", "book-shop-dev", "ame-timesheets-main", "showcase-main"]
)
def test_the_page_about_pipelines_shows_the_figures_of_the_model(pipeline: str) -> None:
    steps, former = NOW[pipeline], BEFORE[pipeline]
    figures = [length(graph) for graph in (steps, former, sequential(former), cdk_pipelines(former))]

    page = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")

    assert f"| `{pipeline}` | " + " | ".join(f"{figure:.0f}" for figure in figures) + " |" in page
