"""Follows a run until it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from slipway_cli.operate import advice, clock
from slipway_cli.operate.errors import OperateError, code, passing
from slipway_cli.operate.pipelines import Pipeline
from slipway_cli.operate.timing import record, spent, summary
from slipway_cli.operate.words import seconds, shortened, title
from slipway_cli.runs import Attempt, Entry, Run

Say = Callable[[str], None]
_EVERY = 5.0
_PATIENCE = 300.0  # seconds without an answer of AWS before we give up
_APPEARS = 60.0  # seconds until a run that was just started is in every list


@dataclass
class Following:
    """Follows one run."""

    pipeline: Pipeline
    run: str
    say: Say
    times: Path | None = None
    """The file that the times of the run's actions are written to when it has ended."""
    _printed: dict[tuple[str, str], tuple[str, object]] = field(default_factory=dict)
    _waits: str = ""

    def until_it_ends(self) -> None:
        """Print each change of an action until the run ends.

        Raises:
            OperateError: if it does not succeed; the message is a paragraph: what happened, why, what to do.
        """
        began = answered = clock.now()
        while True:
            try:
                run = self._read()
                self._report(run)
                if not run.entry.active:
                    self._ended(run)
                    return
                answered = clock.now()
            except (ClientError, BotoCoreError) as error:
                new = code(error) == "PipelineExecutionNotFoundException" and self._before(began, _APPEARS)
                if not new and not (passing(error) and self._before(answered, _PATIENCE)):
                    raise
            clock.pause(_EVERY)

    @staticmethod
    def _before(start: datetime, patience: float) -> bool:
        return (clock.now() - start).total_seconds() < patience

    def _read(self) -> Run:
        """Returns the run; its status is read first, so that all actions of an ended run are seen."""
        identity = {"pipelineName": self.pipeline.name, "pipelineExecutionId": self.run}
        given = self.pipeline.desk.client.get_pipeline_execution(**identity).get("pipelineExecution") or {}
        return self.pipeline.run(Entry.of_execution({**given, "pipelineExecutionId": self.run}))

    def _report(self, run: Run) -> None:
        for step in run.steps:
            key, now = (step.stage, step.action), (step.status, step.started)
            if self._printed.get(key) != now:
                self._printed[key] = now
                self._line(self._step(run, step))
        if run.entry.active and not run.unfinished:
            self._waiting()

    def _step(self, run: Run, step: Attempt) -> str:
        if step.category == "Approval" and step in run.unfinished:
            question = shortened(step.asks, 300)
            return " ".join(
                part
                for part in (f"{step.name} waits for a person:", question, self.pipeline.command("approve"))
                if part
            )
        if step in run.unfinished:
            return f"{step.name} {step.status}"
        took = seconds((step.updated - step.started).total_seconds())
        what = step.reason if step.status == "Failed" else step.summary
        return f"{step.name} {step.status} after {took}" + (f": {shortened(what, 200)}" if what else "")

    def _waiting(self) -> None:
        """Print once why a run waits between two stages."""
        for stage in self.pipeline.state().stages:
            if self.run in stage.queued:
                why = f"nothing may enter it: {stage.closed}" if stage.closed else f"run {stage.run[:8]} is in it"
                line = f"waits to enter {stage.name}: {why}"
                if line != self._waits:
                    self._waits = line
                    self._line(line)

    def _ended(self, run: Run) -> None:
        status = run.entry.status
        if self.times:
            self._record(run, self.times)
        if status == "Succeeded":
            self._line(f"{self.pipeline.name} {title(run)} Succeeded")
            for line in summary(spent(run)):
                self.say(f"         {line}")
            return
        if status == "Superseded":
            raise OperateError(
                f"{self.pipeline.name} {title(run)} was superseded: a newer run took its place", self._status()
            )
        if status == "Failed":
            raise OperateError(advice.failure(self.pipeline, run, self.pipeline.state()))
        reason = run.entry.summary or advice.why(run)
        raise OperateError(
            f"{self.pipeline.name} {title(run)} ended {status}: {reason}", advice.again(self.pipeline, run)
        )

    def _record(self, run: Run, file: Path) -> None:
        try:
            file.write_text(record(self.pipeline.name, run), encoding="utf-8")
        except OSError as error:
            raise OperateError(f"the times of the run cannot be written to {file}: {error.strerror}") from error

    def _status(self) -> str:
        return self.pipeline.command("status")

    def _line(self, text: str) -> None:
        self.say(f"{clock.now():%H:%M:%S} {text}".rstrip())
