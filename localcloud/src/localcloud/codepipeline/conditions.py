"""Conditions of a stage: the rules are checked in order; if one of them fails, the result of the condition applies.

docs.aws.amazon.com/codepipeline/latest/userguide/stage-conditions.html
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from localcloud.codepipeline import model, rules, variables
from localcloud.codepipeline.actions.work import perform
from localcloud.codepipeline.errors import Abandoned, ActionError
from localcloud.codepipeline.model import ActionExecution, ConditionState, Declaration, RuleExecution
from localcloud.codepipeline.run import Run

logger = logging.getLogger("localcloud")

MEMBERS = {model.BEFORE_ENTRY: "beforeEntry", model.ON_SUCCESS: "onSuccess", model.ON_FAILURE: "onFailure"}
OVERRIDDEN = "Overridden"
_MINUTES = 60


@dataclass(frozen=True)
class Failure:
    """A failed condition: its result, and the reason of the failure."""

    result: str
    reason: str


def declared(stage: Declaration, moment: str) -> Declaration | None:
    """Returns the condition of a stage for a moment (such as `BEFORE_ENTRY`), None if it is not declared."""
    found: Declaration | None = next(iter((stage.get(MEMBERS[moment]) or {}).get("conditions") or []), None)
    return found


class Conditions:
    """The conditions of a stage in a run."""

    def __init__(self, run: Run, stage: Declaration) -> None:
        self._run, self._stage = run, stage

    def check(self, moment: str) -> Failure | None:
        """Checks the condition. Returns None if it succeeds, is not declared, or was overridden.

        Raises:
            Ended: if the run was stopped in the meantime.
        """
        condition = declared(self._stage, moment)
        if condition is None:
            return None
        name = self._stage["name"]
        if (name, moment) in self._run.overridden:
            self._record(moment, OVERRIDDEN)
            return None
        self._record(moment, model.IN_PROGRESS)
        reason = ""
        for rule in condition.get("rules") or []:
            reason = self._check_rule(moment, rule)
            with self._run.store.changed:
                self._run.check()
                if (name, moment) in self._run.overridden:
                    self._record(moment, OVERRIDDEN)
                    return None
            if reason:
                break
        self._record(moment, model.FAILED if reason else model.SUCCEEDED, reason)
        return Failure(str(condition.get("result") or "FAIL"), reason) if reason else None

    def _record(self, moment: str, status: str, summary: str = "") -> None:
        with self._run.store.changed:
            self._run.execution.stages[self._stage["name"]].conditions[moment] = ConditionState(status, summary)
            self._run.save()

    def _check_rule(self, moment: str, rule: Declaration) -> str:
        """Checks a rule. Returns the reason of its failure; empty if it succeeds."""
        evaluation = RuleExecution(self._stage["name"], moment, rule["name"], rule)
        evaluation.role = rule.get("roleArn") or self._run.execution.declaration["roleArn"]
        with self._run.store.changed:
            self._run.execution.rules.append(evaluation)
            self._run.save()
        status, error = model.SUCCEEDED, ActionError("")
        try:
            self._perform(evaluation, moment)
        except Abandoned:
            status = model.ABANDONED
        except ActionError as failure:
            status, error = model.FAILED, failure
        except Exception as failure:
            logger.exception("unexpected error in rule %s of %s", evaluation.rule, self._run.pipeline.name)
            status, error = model.FAILED, ActionError(f"Unexpected error of the local cloud in this rule: {failure}")
        with self._run.store.changed:
            evaluation.status, evaluation.updated = status, time.time()
            evaluation.error, evaluation.error_code = str(error), error.code
            self._run.save()
        return f"{evaluation.rule}: {error}" if status == model.FAILED else ""

    def _perform(self, evaluation: RuleExecution, moment: str) -> None:
        rule = evaluation.declaration
        kind = {"version": "1", "owner": "AWS", **rule["ruleTypeId"]}
        with self._run.store.changed:
            evaluation.resolved = variables.configuration(rule.get("configuration") or {}, self._run.scope())
        attempt = ActionExecution(
            evaluation.stage, evaluation.rule, {**rule, "actionTypeId": kind}, resolved=evaluation.resolved
        )
        attempt.role = evaluation.role
        wanted = [given["name"] for given in rule.get("inputArtifacts") or []]
        attempt.inputs = [
            self._run.execution.artifacts[name] for name in wanted if name in self._run.execution.artifacts
        ]
        work = self._run.work(attempt, _MINUTES * (rule.get("timeoutInMinutes") or _MINUTES))
        work.abandoned = lambda: self._run.must_leave() or (evaluation.stage, moment) in self._run.overridden
        perform(work, rules.provider(kind["provider"]))
        evaluation.summary, evaluation.external_id = attempt.summary, attempt.external_id
