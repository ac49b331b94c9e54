"""Starts a run, retries its failed stage, stops it."""

from __future__ import annotations

import re
from collections.abc import Callable

from botocore.exceptions import ClientError

from products.globs import matches
from slipway_cli.operate import advice
from slipway_cli.operate.errors import OperateError, code, message_of
from slipway_cli.operate.pipelines import Desk, Pipeline, by_id
from slipway_cli.operate.words import about, title
from slipway_cli.runs import Entry, Run
from slipway_cli.texts import plain
from slipway_cli.typed import command

Say = Callable[[str], None]
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_REASON = 200  # characters CodePipeline takes
_ENDED_BADLY = ("Failed", "Stopped")


def start(desk: Desk, flow: str, commit: str | None, say: Say) -> tuple[Pipeline, str]:
    """Start a run of a commit, or of the branch's newest; returns its pipeline and id."""
    pipeline = desk.pipeline(flow)
    branch = pipeline.delivery.branch
    revisions = []
    if commit:
        if not _COMMIT.fullmatch(commit):
            raise OperateError(
                f"'{plain(commit)}' is not a full commit id of 40 hexadecimal digits",
                "git rev-parse <commit> prints the full id",
                exit_code=2,
            )
        revisions = [{"actionName": pipeline.source, "revisionType": "COMMIT_ID", "revisionValue": commit}]
    given = pipeline.desk.client.start_pipeline_execution(
        name=pipeline.name, **({"sourceRevisions": revisions} if revisions else {})
    )
    run = str(given["pipelineExecutionId"])
    say(f"started {pipeline.name} of {commit or 'the newest commit of ' + branch}: run {run}")
    if pipeline.delivery.stage("Publish") and not any(
        matches(pattern, branch) for pattern in pipeline.delivery.flow.branches
    ):
        say(f"note: CodePipeline takes '{branch}' for the branch of a start by hand, so tags that follow it move")
    say(pipeline.link(run))
    return pipeline, run


def retry(desk: Desk, flow: str | None, start_of_id: str | None, say: Say) -> tuple[Pipeline, str]:
    """Retry the failed actions of the newest run, or of a named one, if it failed or was stopped."""
    pipeline, entry = _failed(desk, flow, start_of_id)
    run, state = pipeline.run(entry), pipeline.state()
    say(f"{pipeline.name} {title(run)}: {about(run)}".rstrip(": "))
    say(advice.why(run))
    step, reason = advice.ended_in(run), advice.not_retryable(pipeline, run, state)
    if step is None or reason:
        raise OperateError(f"run {entry.id[:8]} cannot be retried: {reason}", advice.remedy(pipeline, run, state)[0])
    try:
        desk.client.retry_stage_execution(
            pipelineName=pipeline.name,
            stageName=step.stage,
            pipelineExecutionId=entry.id,
            retryMode="FAILED_ACTIONS",
        )
    except ClientError as error:
        if code(error) not in ("StageNotRetryableException", "NotLatestPipelineExecutionException"):
            raise
        raise OperateError(
            f"CodePipeline does not retry {step.stage} of run {entry.id[:8]}: {message_of(error)}",
            advice.again(pipeline, run),
        ) from None
    say(f"retries {step.stage}: run {entry.id}")
    return pipeline, entry.id


def stop(desk: Desk, flow: str | None, start_of_id: str | None, reason: str, *, abandon: bool, say: Say) -> None:
    """Stop the run in progress: once its current actions have ended, or at once if `abandon` is set."""
    pipeline, entry = _active(desk, flow, start_of_id, "stop")
    run = pipeline.run(entry)
    say(f"{pipeline.name} {title(run)}: {about(run)}".rstrip(": "))
    why = plain(reason) or "by hand"
    if len(why) > _REASON:
        raise OperateError(
            f"the reason has {len(why)} characters, CodePipeline accepts {_REASON}", "a shorter reason", exit_code=2
        )
    harder = pipeline.command("stop", run=entry.id[:8], abandon=True)
    try:
        desk.client.stop_pipeline_execution(
            pipelineName=pipeline.name, pipelineExecutionId=entry.id, abandon=abandon, reason=why
        )
    except ClientError as error:
        if code(error) == "DuplicatedStopRequestException":
            raise OperateError(
                f"run {entry.id[:8]} is already stopping and waits for {_busy(run)}",
                f"{pipeline.command('follow')}, or abandon what is in progress: {harder}",
            ) from None
        if code(error) == "PipelineExecutionNotStoppableException":
            raise OperateError(
                f"run {entry.id[:8]} has ended meanwhile: {message_of(error)}", pipeline.command("status")
            ) from None
        raise
    if abandon:
        say(f"abandoned run {entry.id}. Actions in progress continue on their own: {_busy(run)}")
    else:
        say(f"stops run {entry.id} as soon as this has ended: {_busy(run)}")
        if any(step.category == "Approval" for step in run.unfinished):
            reject = pipeline.command("reject", reason="…")
            say(f"An approval ends when somebody answers it: {reject}, or at once: {harder}")
    say(f"Next: {pipeline.command('status')}; later, from where it stopped: {pipeline.command('retry')}")


def _busy(run: Run) -> str:
    return ", ".join(step.name for step in run.unfinished) or "no action"


def _failed(desk: Desk, flow: str | None, start_of_id: str | None) -> tuple[Pipeline, Entry]:
    """Returns the pipeline whose newest run failed or was stopped, and that run."""
    newest: list[tuple[Pipeline, Entry]] = []
    for pipeline in desk.chosen(flow):
        runs = by_id(pipeline.entries(), start_of_id or "")
        ended = next((entry for entry in runs if _tells(entry)), None)
        if ended and ended.status in _ENDED_BADLY:
            newest.append((pipeline, ended))
    if len(newest) == 1:
        return newest[0]
    if not newest:
        where = ", ".join(pipeline.name for pipeline in desk.chosen(flow))
        which = f"no run that begins with {plain(start_of_id)}" if start_of_id else "the newest run"
        raise OperateError(f"nothing to retry: {which} of {where} has failed or was stopped", command("status"))
    each = "; ".join(f"{pipeline.name} (run {entry.id[:8]} {entry.status})" for pipeline, entry in newest)
    lines = [pipeline.command("retry") for pipeline, _ in newest]
    raise OperateError(f"{len(newest)} pipelines have failed: {each}. Name one", " or ".join(lines))


def _tells(entry: Entry) -> bool:
    """True if a run decides its pipeline's state: a superseded run does not, nor does a successful rollback."""
    return entry.status in _ENDED_BADLY or (entry.status == "Succeeded" and not entry.rollback)


def _active(desk: Desk, flow: str | None, start_of_id: str | None, verb: str) -> tuple[Pipeline, Entry]:
    """Returns the only run in progress."""
    found = [
        (pipeline, entry)
        for pipeline in desk.chosen(flow)
        for entry in by_id(pipeline.entries(), start_of_id or "")
        if entry.active
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        where = ", ".join(pipeline.name for pipeline in desk.chosen(flow))
        which = f" whose id begins with {plain(start_of_id)}" if start_of_id else ""
        raise OperateError(f"no run{which} is in progress in {where}", command("status"))
    each = "; ".join(f"{entry.id[:8]} of {pipeline.name}" for pipeline, entry in found)
    lines = [pipeline.command(verb, run=entry.id[:8]) for pipeline, entry in found[:4]]
    raise OperateError(f"{len(found)} runs are in progress: {each}. Name one", " or ".join(lines))


def followed(desk: Desk, flow: str | None, start_of_id: str | None) -> tuple[Pipeline, str]:
    """Returns the run to follow and its pipeline: without a flow, the one run of all pipelines that is in progress."""
    if flow:
        pipeline = desk.pipeline(flow)
        return pipeline, _current(pipeline, start_of_id)
    pipeline, entry = _active(desk, None, start_of_id, "follow")
    return pipeline, entry.id


def _current(pipeline: Pipeline, start_of_id: str | None) -> str:
    """Returns the run by the beginning of its id, or else the newest in progress, or else the newest."""
    entries = pipeline.entries()
    found = by_id(entries, start_of_id or "")
    if not found:
        which = f"no run of {pipeline.name} begins with {plain(start_of_id)}" if entries else "it has never run"
        raise OperateError(which, pipeline.command("status"))
    return next((entry for entry in found if entry.active), found[0]).id
