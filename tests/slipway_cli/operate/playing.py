"""Verbs, played to a CodePipeline in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from slipway_cli.operate import clock
from slipway_cli.operate.__main__ import main
from tests.support.fake_codepipeline import FakeCodePipeline


@dataclass(frozen=True)
class Played:
    """How a verb ended."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


@contextmanager
def playing(cloud: FakeCodePipeline, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The cloud in place of AWS, with its own time."""

    def pause(seconds: float) -> None:
        cloud.clock.time += seconds
        if cloud.ticks:
            cloud.ticks.pop(0)()

    with cloud.installed(monkeypatch):
        monkeypatch.setattr(clock, "now", lambda: datetime.fromtimestamp(cloud.clock.time, UTC))
        monkeypatch.setattr(clock, "pause", pause)
        yield


def play(*arguments: str) -> Played:
    """Do a verb as the command line does, in a script: nobody is at a terminal."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(list(arguments))
    return Played(code, out.getvalue(), err.getvalue())


def given(cloud: FakeCodePipeline, operation: str) -> list[dict[str, Any]]:
    """What was asked of an operation."""
    return [asked for name, asked in cloud.calls if name == f"codepipeline.{operation}"]
