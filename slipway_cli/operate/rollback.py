"""Rolls a stage back to a named release."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from botocore.exceptions import ClientError

from products.errors import nearest
from slipway_cli.operate import clock
from slipway_cli.operate.errors import OperateError, code, message_of
from slipway_cli.operate.pipelines import Desk, Pipeline
from slipway_cli.operate.words import about, since, title
from slipway_cli.runs import Run, State
from slipway_cli.texts import plain
from slipway_cli.typed import command

Say = Callable[[str], None]
_LIMITS = (
    "CodePipeline rolls a stage back only to a run that succeeded in it, is not a rollback itself, and began in the "
    "current structure of the pipeline"
)
_SHOWN = 10
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True)
class Target:
    """A run that succeeded in the stage."""

    pipeline: Pipeline
    stage: str
    run: Run
    state: State

    @property
    def hindrance(self) -> str:
        """The reason the run cannot be rolled back to; empty if it can be."""
        if self.run.structure and self.run.structure != self.state.structure:
            return (
                f"it began in structure {self.run.structure} of {self.pipeline.name}, which has {self.state.structure} "
                "now: the pipeline was changed since"
            )
        settings = self.pipeline.desk.product.pipeline
        kept = settings.keep_artifacts_days if settings else 0
        if clock.now() - self.run.entry.started > timedelta(days=kept):
            return f"it began more than {kept} days ago, and its artifacts were deleted then (keep_artifacts_days)"
        return ""

    def called(self, name: str) -> bool:
        """True for a name of the run: release tag, version, version without the commit, or commit."""
        run = self.run
        if name in (run.tag, run.version, run.entry.id):
            return True
        if _COMMIT.fullmatch(name) and run.commit.startswith(name):
            return True
        plain_version = run.version.removesuffix(f"-{run.commit[:7]}") if run.commit else run.version
        return bool(plain_version) and name.removeprefix("v") == plain_version

    @property
    def line(self) -> str:
        """The run as a line of a list."""
        run, hindered = self.run, f" (not possible: {self.hindrance})" if self.hindrance else ""
        return f"{title(run)}, {since(run.entry.started)} ago, {about(run) or run.commit}{hindered}"


def rollback(desk: Desk, environment: str, name: str, say: Say, sure: Callable[[str], bool]) -> tuple[Pipeline, str]:
    """Roll an environment's stage back to a release; returns the pipeline and the new run.

    Raises:
        OperateError: if no or several releases have the name, or CodePipeline cannot roll back to it.
    """
    name = name.strip()
    if not name:
        raise OperateError("no release is named", command("rollback", environment, to="RELEASE"), exit_code=2)
    target = _found(desk, environment, name)
    run, stage, pipeline = target.run, target.stage, target.pipeline
    if target.hindrance:
        raise OperateError(
            f"{stage} cannot go back to {title(run)}: {target.hindrance}. {_LIMITS}",
            f"{pipeline.command('start', commit=run.commit)} runs that commit through all stages; or by hand: "
            "docs/runbook.md, 'Roll back to a named release'",
        )
    say(f"{stage} of {pipeline.name} goes back to {title(run)}: {about(run) or run.commit}")
    say("Its actions run again with that run's images and frontend. Migrations are not undone.")
    if not sure("roll back?"):
        raise OperateError("nothing was rolled back", command("status"))
    try:
        given = desk.client.rollback_stage(
            pipelineName=pipeline.name, stageName=stage, targetPipelineExecutionId=run.entry.id
        )
    except ClientError as error:
        raise (_refused(error, target) or error) from None
    new = str(given["pipelineExecutionId"])
    say(f"rolls back: run {new}")
    say(pipeline.link(new))
    return pipeline, new


def _refused(error: ClientError, target: Target) -> OperateError | None:
    pipeline = target.pipeline
    if code(error) == "PipelineExecutionOutdatedException":
        return OperateError(
            f"CodePipeline cannot go back to {title(target.run)}: {message_of(error)}. {_LIMITS}",
            pipeline.command("start", commit=target.run.commit),
        )
    if code(error) == "UnableToRollbackStageException":
        return OperateError(
            f"CodePipeline does not roll back {target.stage} now: {message_of(error)}. "
            f"No run may be in the stage. {_LIMITS}",
            f"{pipeline.command('status')}, and again when no run is in the stage",
        )
    return None


def _found(desk: Desk, environment: str, name: str) -> Target:
    seen, matching = [], []
    for target in _targets(desk, environment):
        seen.append(target)
        if not target.called(name):
            continue
        # Two releases may share a version's short commit, but not a tag or a run.
        if not target.hindrance and name in (target.run.tag, target.run.entry.id):
            return target
        matching.append(target)
    possible = [target for target in matching if not target.hindrance]
    releases = {(title(target.run), target.run.commit) for target in possible}
    if len(releases) > 1:
        names = ", ".join(sorted(name for name, _ in releases))
        raise OperateError(
            f"{len(releases)} releases are called {plain(name)}: {names}. Name one",
            command("rollback", environment, to=title(possible[0].run)),
        )
    if matching:
        return (possible or matching)[0]
    if not seen:
        raise OperateError(
            f"no run has succeeded in {environment} yet, so there is nothing to go back to", command("status")
        )
    shown = "\n".join(f"  {target.line}" for target in seen[:_SHOWN])
    first = next((title(target.run) for target in seen if not target.hindrance), title(seen[0].run))
    raise OperateError(
        f"no release '{plain(name)}' among the last {len(seen)} runs that succeeded in {environment}. One can go "
        f"back to:\n{shown}\n{_LIMITS}",
        command("rollback", environment, to=first),
    )


def _targets(desk: Desk, environment: str) -> Iterator[Target]:
    """Yields the runs that succeeded in an environment's stage, newest first, pipeline by pipeline."""
    known = list(desk.product.environments)
    if environment not in known:
        raise OperateError(
            f"no environment '{plain(environment)}' in {desk.product.name}{nearest(environment, known)}",
            command("status"),
            exit_code=2,
        )
    places = [
        (pipeline, stage.name)
        for pipeline in sorted(desk.pipelines, key=lambda found: -len(found.delivery.environments()))  # releases first
        for stage in pipeline.delivery.stages
        if stage.environment == environment and stage.rolls_back
    ]
    if not places:
        raise OperateError(f"no pipeline of {desk.product.name} deploys {environment}", command("status"), exit_code=2)
    for pipeline, stage in places:
        state = pipeline.state()
        for entry in pipeline.entries(succeeded_in=stage):
            if not entry.rollback:
                yield Target(pipeline, stage, pipeline.run(entry), state)
