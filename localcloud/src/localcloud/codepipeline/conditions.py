"""Conditions of a stage: its rules are checked in order, and the result is engaged when one of them fails.

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
    """A condition that does not hold, and what shall follow."""

    result: str
    why: str


def declared(stage: Declaration, moment: str) -> Declaration | None:
    """The condition of a stage for that moment."""
    found: Declaration | None = next(iter((stage.get(MEMBERS[moment]) or {}).get("conditions") or []), None)
    return found


class Conditions:
    """The conditions of one stage in one run."""

    def __init__(self, run: Run, stage: Declaration) -> None:
        self._run, self._stage = run, stage

    def check(self, moment: str) -> Failure | None:
        """Returns how the condition of that moment fails; None if it holds, is not declared, or was overridden.

        Raises:
            Ended: when the run was stopped meanwhile.
        """
        condition = declared(self._stage, moment)
        if condition is None:
            return None
        name = self._stage["name"]
        if (name, moment) in self._run.overridden:
            self._note(moment, OVERRIDDEN)
            return None
        self._note(moment, model.IN_PROGRESS)
        why = ""
        for rule in condition.get("rules") or []:
            why = self._rule(moment, rule)
            with self._run.store.changed:
                self._run.check()
                if (name, moment) in self._run.overridden:
                    self._note(moment, OVERRIDDEN)
                    return None
            if why:
                break
        self._note(moment, model.FAILED if why else model.SUCCEEDED, why)
        return Failure(str(condition.get("result") or "FAIL"), why) if why else None

    def _note(self, moment: str, status: str, summary: str = "") -> None:
        with self._run.store.changed:
            self._run.execution.stages[self._stage["name"]].conditions[moment] = ConditionState(status, summary)
            self._run.save()

    def _rule(self, moment: str, rule: Declaration) -> str:
        """Check one rule; answers why it failed, or nothing."""
        kept = RuleExecution(self._stage["name"], moment, rule["name"], rule)
        kept.role = rule.get("roleArn") or self._run.execution.declaration["roleArn"]
        with self._run.store.changed:
            self._run.execution.rules.append(kept)
            self._run.save()
        status, error = model.SUCCEEDED, ActionError("")
        try:
            self._perform(kept, moment)
        except Abandoned:
            status = model.ABANDONED
        except ActionError as failure:
            status, error = model.FAILED, failure
        except Exception as failure:
            logger.exception("rule %s of %s broke", kept.rule, self._run.pipeline.name)
            status, error = model.FAILED, ActionError(f"The local cloud broke in this rule: {failure}")
        with self._run.store.changed:
            kept.status, kept.updated, kept.error, kept.error_code = status, time.time(), str(error), error.code
            self._run.save()
        return f"{kept.rule}: {error}" if status == model.FAILED else ""

    def _perform(self, kept: RuleExecution, moment: str) -> None:
        rule = kept.declaration
        kind = {"version": "1", "owner": "AWS", **rule["ruleTypeId"]}
        with self._run.store.changed:
            kept.resolved = variables.configuration(rule.get("configuration") or {}, self._run.scope())
        attempt = ActionExecution(kept.stage, kept.rule, {**rule, "actionTypeId": kind}, resolved=kept.resolved)
        attempt.role = kept.role
        wanted = [given["name"] for given in rule.get("inputArtifacts") or []]
        attempt.inputs = [
            self._run.execution.artifacts[name] for name in wanted if name in self._run.execution.artifacts
        ]
        work = self._run.work(attempt, _MINUTES * (rule.get("timeoutInMinutes") or _MINUTES))
        work.abandoned = lambda: self._run.must_leave() or (kept.stage, moment) in self._run.overridden
        perform(work, rules.provider(kind["provider"]))
        kept.summary, kept.external_id = attempt.summary, attempt.external_id
