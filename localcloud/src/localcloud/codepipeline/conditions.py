"""Conditions of a stage: its rules are checked in order, and the result is engaged when one of them fails.

docs.aws.amazon.com/codepipeline/latest/userguide/stage-conditions.html
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcloud.codepipeline import model, rules, steps, variables
from localcloud.codepipeline.actions.work import perform
from localcloud.codepipeline.errors import Abandoned, ActionError
from localcloud.codepipeline.model import ActionExecution, ConditionState, Declaration, RuleExecution

if TYPE_CHECKING:
    from localcloud.codepipeline.engine import Run

logger = logging.getLogger("localcloud")

MEMBERS = {model.BEFORE_ENTRY: "beforeEntry", model.ON_SUCCESS: "onSuccess", model.ON_FAILURE: "onFailure"}
OVERRIDDEN = "Overridden"
_MINUTES = 60


@dataclass(frozen=True)
class Failure:
    """A condition that does not hold, and what shall follow."""

    result: str
    why: str


def declared(stage: Declaration, moment: str) -> Declaration | None:
    """The condition of a stage for that moment."""
    found: Declaration | None = next(iter((stage.get(MEMBERS[moment]) or {}).get("conditions") or []), None)
    return found


def check(run: Run, stage: Declaration, moment: str) -> Failure | None:
    """Whether the condition of that moment fails; what is not declared, or was overridden, does not.

    Raises:
        Ended: when the run was stopped meanwhile.
    """
    condition = declared(stage, moment)
    if condition is None:
        return None
    name = stage["name"]
    if (name, moment) in run.overridden:
        _note(run, name, moment, OVERRIDDEN)
        return None
    _note(run, name, moment, model.IN_PROGRESS)
    why = ""
    for rule in condition.get("rules") or []:
        why = _rule(run, name, moment, rule)
        with run.store.changed:
            run.check()
            if (name, moment) in run.overridden:
                _note(run, name, moment, OVERRIDDEN)
                return None
        if why:
            break
    _note(run, name, moment, model.FAILED if why else model.SUCCEEDED, why)
    return Failure(str(condition.get("result") or "FAIL"), why) if why else None


def _note(run: Run, stage: str, moment: str, status: str, summary: str = "") -> None:
    with run.store.changed:
        run.execution.stages[stage].conditions[moment] = ConditionState(status, summary)
        run.store.save(run.pipeline, run.execution)


def _rule(run: Run, stage: str, moment: str, rule: Declaration) -> str:
    """Check one rule; answers why it failed, or nothing."""
    kept = RuleExecution(stage, moment, rule["name"], rule)
    kept.role = rule.get("roleArn") or run.execution.declaration["roleArn"]
    with run.store.changed:
        run.execution.rules.append(kept)
        run.store.save(run.pipeline, run.execution)
    status, error = model.SUCCEEDED, ActionError("")
    try:
        _perform(run, kept, moment)
    except Abandoned:
        status = model.ABANDONED
    except ActionError as failure:
        status, error = model.FAILED, failure
    except Exception as failure:
        logger.exception("rule %s of %s broke", kept.rule, run.pipeline.name)
        status, error = model.FAILED, ActionError(f"The local cloud broke in this rule: {failure}")
    with run.store.changed:
        kept.status, kept.updated, kept.error, kept.error_code = status, time.time(), str(error), error.code
        run.store.save(run.pipeline, run.execution)
    return f"{kept.rule}: {error}" if status == model.FAILED else ""


def _perform(run: Run, kept: RuleExecution, moment: str) -> None:
    rule = kept.declaration
    kind = {"version": "1", "owner": "AWS", **rule["ruleTypeId"]}
    with run.store.changed:
        kept.resolved = variables.configuration(rule.get("configuration") or {}, steps.scope(run.execution))
    attempt = ActionExecution(kept.stage, kept.rule, {**rule, "actionTypeId": kind}, resolved=kept.resolved)
    attempt.role = kept.role
    wanted = [given["name"] for given in rule.get("inputArtifacts") or []]
    attempt.inputs = [run.execution.artifacts[name] for name in wanted if name in run.execution.artifacts]
    work = steps.work(run, attempt, _MINUTES * (rule.get("timeoutInMinutes") or _MINUTES))
    work.abandoned = lambda: run.must_leave() or (kept.stage, moment) in run.overridden
    perform(work, rules.provider(kind["provider"]))
    kept.summary, kept.external_id = attempt.summary, attempt.external_id
