"""When a failed release counts as taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from drills import releases
from operate.runs import Entry


@dataclass
class Listed:
    """A pipeline that lists these runs."""

    runs: list[Entry]

    def entries(self, limit: int) -> list[Entry]:
        return self.runs[:limit]


def run(status: str, *, rollback: bool) -> Entry:
    row: dict[str, Any] = {"pipelineExecutionId": "x", "status": status}
    return Entry.of(row | ({"executionType": "ROLLBACK"} if rollback else {}))


@pytest.mark.parametrize(
    ("runs", "settled"),
    [
        ([run("InProgress", rollback=True)], False),
        ([run("Succeeded", rollback=True), run("InProgress", rollback=False)], True),
        ([], True),
    ],
    ids=["the stage is being taken back", "another run waits for a person", "nothing runs"],
)
def test_only_the_run_that_takes_the_stage_back_is_waited_for(runs: list[Entry], *, settled: bool) -> None:
    assert releases._settled(Listed(runs)) is settled  # type: ignore[arg-type]  # all it asks of a pipeline
