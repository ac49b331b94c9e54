"""Answers a waiting approval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from botocore.exceptions import ClientError

from slipway_cli.operate import advice
from slipway_cli.operate.errors import OperateError, code
from slipway_cli.operate.pipelines import Desk, Pipeline
from slipway_cli.operate.words import about, title
from slipway_cli.runs import Run, Waiting
from slipway_cli.texts import plain
from slipway_cli.typed import command

Answer = Literal["Approved", "Rejected"]
_SUMMARY = 512  # characters CodePipeline takes
_LATE = {"ApprovalAlreadyCompletedException", "InvalidApprovalTokenException"}


def answer(
    desk: Desk,
    given: Answer,
    reason: str,
    *,
    flow: str | None,
    stage: str | None,
    say: Callable[[str], None],
    sure: Callable[[str], bool],
) -> None:
    """Answer the only waiting approval, after printing what it is for.

    Raises:
        OperateError: if none or several wait, it was answered meanwhile, or the user does not confirm.
    """
    verb = "approve" if given == "Approved" else "reject"
    reason = plain(reason)
    if given == "Rejected" and not reason:
        line = command("reject", flow or "", stage=stage or "", reason="…")
        raise OperateError("a rejection needs a reason, which the author of the push reads", line, exit_code=2)
    if len(reason) > _SUMMARY:
        raise OperateError(
            f"the reason has {len(reason)} characters, CodePipeline accepts {_SUMMARY}", "a shorter reason", exit_code=2
        )
    pipeline, waiting = _only(desk, flow, stage, verb)
    run = _run(pipeline, waiting)
    say(f"{pipeline.name} {title(run)}: {about(run)}".rstrip(": "))
    question = advice.question(run, waiting)
    say(f"{waiting.name}{': ' + question if question else ''}")
    say(pipeline.link(waiting.run))
    if not sure(f"{verb} it?"):
        raise OperateError("nothing was answered", command("status"))
    _put(pipeline, waiting, given, reason or "approved by hand")
    say(f"{given}. Next: {pipeline.command('follow')}")


def _only(desk: Desk, flow: str | None, stage: str | None, verb: str) -> tuple[Pipeline, Waiting]:
    found = desk.waiting(flow, stage)
    if len(found) == 1:
        return found[0]
    if not found:
        where = ", ".join(pipeline.name for pipeline in desk.chosen(flow)) + (f" stage {stage}" if stage else "")
        raise OperateError(f"nothing waits for approval in {where}", command("status"))
    listed = "; ".join(f"{waiting.name} in {pipeline.name} (run {waiting.run[:8]})" for pipeline, waiting in found)
    lines = [pipeline.command(verb, stage=waiting.stage) for pipeline, waiting in found]
    raise OperateError(f"{len(found)} approvals wait: {listed}. Name one", " or ".join(lines))


def _run(pipeline: Pipeline, waiting: Waiting) -> Run:
    for entry in pipeline.entries():
        if entry.id == waiting.run:
            return pipeline.run(entry)
    raise OperateError(
        f"run {waiting.run or 'unknown'} of {pipeline.name} is not among its newest runs, so what would be answered "
        "cannot be shown",
        f"the console: {pipeline.link(waiting.run)}",
    )


def _put(pipeline: Pipeline, waiting: Waiting, given: Answer, reason: str) -> None:
    try:
        pipeline.desk.client.put_approval_result(
            pipelineName=pipeline.name,
            stageName=waiting.stage,
            actionName=waiting.action,
            token=waiting.token,  # belongs to this run, so no other run is answered by accident
            result={"summary": reason, "status": given},
        )
    except ClientError as error:
        if code(error) not in _LATE:
            raise
        how = next((step for step in _run(pipeline, waiting).steps if step.name == waiting.name), None)
        answered = (
            f": {how.status}{' by ' + plain(how.by) if how.by else ''}" if how and how.status != "InProgress" else ""
        )
        raise OperateError(f"{waiting.name} was answered meanwhile{answered}", pipeline.command("status")) from None
