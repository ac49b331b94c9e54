"""The report of a drill."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import pytest

from slipway_cli.drills.report import Report
from slipway_cli.drills.visitor import Visit, Visitor
from slipway_cli.release.verify import Answer


def written(report: Report) -> str:
    assert isinstance(report.stream, io.StringIO)
    return report.stream.getvalue()


def test_a_drill_with_all_promises_kept_exits_with_0_and_names_the_runbook() -> None:
    report = Report(io.StringIO())
    report.promise("the data are intact", kept=True, seen="31 rows")
    assert report.verdict("bad-image", "docs/runbook.md#x") == 0
    assert "✔ the data are intact: 31 rows" in written(report)
    assert "PASSED  bad-image" in written(report)
    assert "What to do in a real case: docs/runbook.md#x" in written(report)


def test_one_broken_promise_fails_the_drill_and_is_named_in_the_verdict() -> None:
    report = Report(io.StringIO())
    report.promise("the data are intact", kept=True)
    report.promise("the old release serves", kept=False, seen="HTTP 503")
    assert report.verdict("bad-image", "x") == 1
    assert "✘ the old release serves: HTTP 503" in written(report)
    assert "FAILED  bad-image" in written(report)
    assert "promises not kept: the old release serves" in written(report)


def test_only_the_end_of_a_long_output_is_shown() -> None:
    report = Report(io.StringIO())
    report.printed("\n".join(f"line {number}" for number in range(30)), most=3)
    assert written(report).split() == ["…", "27", "lines", "before", "line", "27", "line", "28", "line", "29"]


def visitor(*visits: tuple[float, float, str]) -> Visitor:
    made = Visitor("http://nowhere")
    made.visits = [Visit(at, took, problem, "" if problem else "1.0.0") for at, took, problem in visits]
    return made


@pytest.mark.parametrize(
    ("visits", "gap"),
    [
        ([(0, 0.1, ""), (0.2, 0.1, ""), (0.4, 0.1, "")], 0.2),
        ([(0, 0.1, ""), (0.3, 0.1, "HTTP 503"), (0.6, 0.1, "HTTP 503"), (0.9, 0.1, "")], 0.9),
        ([(0, 0.1, ""), (0.3, 5, ""), (5.5, 0.1, "")], 5.2),
        ([(0, 0.1, ""), (0.3, 0.1, "HTTP 503"), (2, 0.1, "HTTP 503")], 2.0),
        ([], 0.0),
    ],
)
def test_the_longest_time_without_a_page_includes_failures_slow_responses_and_a_failing_end(
    visits: list[tuple[float, float, str]], gap: float
) -> None:
    assert visitor(*visits).longest_gap == pytest.approx(gap)


@pytest.mark.parametrize(
    ("problems", "unnoticed"),
    [(["", "", ""], True), (["", "HTTP 502", ""], True), (["", "HTTP 502", "HTTP 502", ""], False), ([], False)],
)
def test_one_failure_is_unnoticed_and_two_in_a_row_are_not(problems: list[str], *, unnoticed: bool) -> None:
    assert visitor(*((at, 0.1, problem) for at, problem in enumerate(problems))).unnoticed is unnoticed


def test_a_visitor_records_versions_and_problems_in_order() -> None:
    enough = threading.Event()
    answers = iterate(
        [
            Answer(200, {}, b'{"version": "1"}'),
            Answer(503, {}, b"no"),
            OSError("refused"),
            Answer(200, {}, b'{"version": "2"}'),
        ],
        enough,
    )

    def ask(url: str) -> Answer:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    with Visitor("http://site", ask=ask) as seen:
        assert enough.wait(10)
    assert seen.versions == ["1", "2"]
    assert [visit.problem for visit in seen.visits[:4]] == ["", "HTTP 503", "no answer: refused", ""]
    assert "2 failed (1 times HTTP 503, 1 times no answer: refused)" in seen.summary()


def iterate(answers: list[Answer | OSError], enough: threading.Event) -> Iterator[Answer | OSError]:
    yield from answers
    enough.set()
    while True:
        yield answers[-1]
