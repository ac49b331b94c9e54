"""The reason a run ended, and what to type next."""

from __future__ import annotations

from slipway_cli.operate.pipelines import Pipeline
from slipway_cli.operate.words import shortened, title
from slipway_cli.runs import Attempt, Run, State, Waiting
from slipway_cli.texts import plain
from slipway_cli.typed import command

_REASON = 600  # characters of a reason that are worth reading in a terminal
_NO_REASON = "CodePipeline gave no reason"


def ended_in(run: Run) -> Attempt | None:
    """Returns the action at which a run failed or was stopped: of several the first, others fail because of it."""
    left = (step for step in run.steps if step.status == "Abandoned")
    return next(iter(run.failed), None) or min(left, key=lambda step: step.updated, default=None)


def why(run: Run) -> str:
    """Returns the reason a run ended, in one sentence, with the address of the log if there is one."""
    step, summary = ended_in(run), run.entry.summary
    if step is None:
        return f"{run.entry.status} outside its actions: {shortened(summary, _REASON) or _NO_REASON}"
    if step.status == "Abandoned":
        return f"{step.name} was abandoned: {shortened(summary, _REASON) or _NO_REASON}"
    did = "was not approved" if step.category == "Approval" else "failed"
    reason = shortened(step.reason or step.summary or summary, _REASON) or _NO_REASON
    return f"{step.name} {did}: {reason}" + (f"; log: {plain(step.url)}" if step.url else "")


def not_retryable(pipeline: Pipeline, run: Run, state: State) -> str:
    """Returns the reason a run's failed stage cannot be retried; empty if it can be."""
    step = ended_in(run)
    if run.entry.rollback:
        return "it is a rollback, which CodePipeline does not retry"
    if step is None:
        return "none of its actions failed"
    stage = state.stage(step.stage)
    if stage is None or (run.structure and run.structure != state.structure):
        return "the pipeline has changed since the run began"
    if pipeline.delivery.mode == "parallel" or stage.run in ("", run.entry.id):
        return ""
    newer = "a rollback has taken it back" if stage.rollback else "a newer run has entered it"
    return f"{newer} since (run {stage.run[:8]}), and CodePipeline retries the newest run of a stage only"


def again(pipeline: Pipeline, run: Run) -> str:
    """Returns the command that runs the same commit from the beginning."""
    return pipeline.command("start", commit=run.commit)


def remedy(pipeline: Pipeline, run: Run, state: State) -> list[str]:
    """Returns what to type after a failure."""
    if run.entry.rollback:
        step = ended_in(run)
        place = pipeline.delivery.stage(step.stage if step else "")
        environment = place.environment if place and place.environment else "ENVIRONMENT"
        return [command("rollback", environment, to="RELEASE")]
    if not_retryable(pipeline, run, state):
        return [f"push a fix, or the same commit from the beginning: {again(pipeline, run)}"]
    return [f"push a fix, or the failed stage again: {pipeline.command('retry')}"]


def failure(pipeline: Pipeline, run: Run, state: State) -> str:
    """Returns a failed run in one paragraph: what failed, why, what to do."""
    step = next(iter(run.failed), None)
    stage = pipeline.delivery.stage(step.stage) if step else None
    sentences = [f"{pipeline.name} {title(run)} ended {run.entry.status}: {why(run)}."]
    if stage and stage.rolls_back and not run.entry.rollback:
        sentences.append(f"CodePipeline takes {stage.name} back to the last run that succeeded in it, if there is one.")
    sentences.append(f"What to do: {'; '.join(remedy(pipeline, run, state))}. Run: {pipeline.link(run.entry.id)}")
    return " ".join(sentences)


def question(run: Run, waiting: Waiting) -> str:
    """Returns the question of an approval, and the address to look at before answering."""
    for step in run.steps:
        if (step.stage, step.action) == (waiting.stage, waiting.action):
            return " ".join(shortened(part, _REASON) for part in (step.asks, step.look) if part)
    return ""


def answers(pipeline: Pipeline, waiting: Waiting, *, alone: bool) -> list[str]:
    """Returns the commands that answer an approval."""
    stage = "" if alone else waiting.stage
    return [pipeline.command("approve", stage=stage), pipeline.command("reject", stage=stage, reason="…")]
