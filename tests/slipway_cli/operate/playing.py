"""Verbs, played to a CodePipeline in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from slipway_cli import choice, typed
from slipway_cli.main import main
from slipway_cli.operate import clock
from tests.support.fake_codepipeline import FakeCodePipeline


@dataclass(frozen=True)
class Played:
    """The end of a verb: its exit code and its output."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


@contextmanager
def playing(cloud: FakeCodePipeline, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The cloud in place of AWS, with its own time; the product is the cloud's."""
    monkeypatch.setenv(choice.VARIABLE, cloud.product)

    def pause(seconds: float) -> None:
        cloud.clock.time += seconds
        if cloud.ticks:
            cloud.ticks.pop(0)()

    with cloud.installed(monkeypatch):
        monkeypatch.setattr(clock, "now", lambda: datetime.fromtimestamp(cloud.clock.time, UTC))
        monkeypatch.setattr(clock, "pause", pause)
        yield


def play(*arguments: str) -> Played:
    """Do a command in a script: nobody is at a terminal. The program is called `slipway`, wherever it is installed."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(list(arguments))
    return Played(code, *(text.getvalue().replace(typed.program(), typed.NAME) for text in (out, err)))


def given(cloud: FakeCodePipeline, operation: str) -> list[dict[str, Any]]:
    """Returns the requests of an operation."""
    return [request for name, request in cloud.calls if name == f"codepipeline.{operation}"]
