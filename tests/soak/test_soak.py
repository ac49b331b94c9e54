"""The soak finds a planted defect, prints its seed, and reproduces it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import Phase

from shared import job as jobs
from tests.soak import __main__ as soaking
from tests.soak.__main__ import PROPERTIES, main


def test_every_property_exists_and_the_shares_add_up() -> None:
    assert all(callable(prop.inner()) for prop in PROPERTIES)
    assert sum(prop.share for prop in PROPERTIES) == 100


def test_a_short_soak_finds_nothing_and_prints_its_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--schedules", "60", "--seed", "5"]) == 0

    printed = capsys.readouterr().out
    assert printed.startswith("seed 5, 60 schedules")
    assert printed.endswith("0 hung, 0 doubled migrations\n")


def test_a_doubled_migration_is_found_and_its_seed_reproduces_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = jobs.Job.__init__

    def forgetful(self: jobs.Job, event: dict[str, Any], minutes: float) -> None:
        plain(self, event, minutes)
        self.key = str(
            event["CodePipeline.job"]["id"]
        )  # the id of this call instead of the first: each call has its own client token

    monkeypatch.setattr(jobs.Job, "__init__", forgetful)
    monkeypatch.setattr(soaking, "PHASES", (Phase.generate,))  # this test does not need the smallest schedule
    soak = ["--schedules", "2000", "--only", "run_migrations", "--seed", "7"]
    assert main(soak) == 1

    printed = capsys.readouterr().out
    assert "assert action.started <= 1" in printed
    (again,) = re.findall(r"make soak SEED=7 ONLY=run_migrations ROUND=(\d+)", printed)
    assert main([*soak, "--round", again]) == 1
    assert f"ROUND={again}" in capsys.readouterr().out
