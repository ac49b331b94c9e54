"""Keeps one open GitHub issue per failing pipeline, closes it on the next success, and sets the status of commits.

A pipeline that builds several branches or pull requests has one issue for each. A pushed commit whose message says
"Fix issue #N" closes that one too, when its run succeeds: from another branch than the one that failed, for example.

A hidden mark at the beginning of an issue and of each comment names the pipeline and the run. So an event that comes
twice changes nothing, and one that comes late is compared with the runs that CodePipeline lists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from report_failure.cause import cause
from shared.github import GitHub
from shared.job import shortened
from shared.parameters import Parameters
from shared.runs import Entry, Event, Run, entries, read, updated
from shared.words import as_code

_LABEL = "bug"
_REASON = 3000
_DESCRIPTION = 140  # characters that GitHub accepts
_FIX = re.compile(r"\bfix(?:e[sd])?\s+issue\s+#(\d{1,9})\b", re.IGNORECASE)
_FIXED = 10  # issues that one commit closes
_OURS = "<!-- slipway pipeline "
_STATES = {
    "InProgress": ("pending", "is in progress"),
    "Succeeded": ("success", "succeeded"),
    "Failed": ("failure", "failed"),
    "Stopping": ("error", "was stopped"),
    "Stopped": ("error", "was stopped"),
    "Cancelled": ("error", "was cancelled: the pipeline changed"),
    "Superseded": ("error", "was superseded by a newer run"),
}


@dataclass(frozen=True)
class Settings:
    """The parameters of the function, from its environment."""

    product: str
    repository: str
    secret: str
    issues: tuple[str, ...]
    """The pipelines whose failures open an issue; the others only set the status of commits."""
    each_branch: tuple[str, ...]
    """Those with an issue for each branch and pull request."""
    stages: dict[str, str]
    """The stages of each pipeline in order, with spaces between."""
    repositories: dict[str, str] = field(default_factory=dict)
    """The repositories of pipelines whose commits are not in `repository`."""
    logs: tuple[str, ...] = ()
    """The pipelines whose builds say in their logs why they failed."""

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        settings = cls(
            parameters.text("product"),
            parameters.text("repository"),
            parameters.text("secret"),
            parameters.texts("issues"),
            parameters.texts("each_branch"),
            parameters.table("stages"),
            parameters.table("repositories"),
            parameters.texts("logs"),
        )
        parameters.refuse_unknown()
        return settings


def main(event: dict[str, Any], _context: object) -> None:
    """Updates the issue and the commit's status; raises if either fails, and Lambda calls again."""
    settings = Settings.from_parameters(Parameters.load())
    change = Event.parse(event)
    listed = updated(entries(change.pipeline), change)
    own = next((entry for entry in listed if entry.id == change.execution), None)
    status = own.status if own else change.status
    run = read(change.pipeline, change.execution, change.trigger)
    if run.rollback:
        return
    if status == "Failed" and run.build and change.pipeline in settings.logs:
        run = replace(run, reason=cause(run.build) or run.reason)
    github = GitHub(settings.repositories.get(change.pipeline, settings.repository), settings.secret)
    try:
        if change.pipeline in settings.issues:
            Issues(github, settings, run, change.attempt).update(status, listed)
    finally:
        if run.commit:
            set_commit_status(github, run, status)


def set_commit_status(github: GitHub, run: Run, status: str) -> None:
    """Sets the status of the run's commit."""
    state, verb = _STATES.get(status, ("pending", status))
    where = f" in {run.stage}" if state == "failure" and run.stage else ""
    github.post(
        f"/statuses/{run.commit}",
        {
            "state": state,
            "context": f"slipway/{run.pipeline}",
            "target_url": run.link,
            "description": shortened(f"{run.pipeline} {verb}{where}", _DESCRIPTION),
        },
    )


class Issues:
    """The issue of a pipeline, and the changes that one of its runs makes to it."""

    def __init__(self, github: GitHub, settings: Settings, run: Run, attempt: str) -> None:
        self._github, self._settings, self._run = github, settings, run
        self._group = run.group if run.pipeline in settings.each_branch else ""
        # Quoted, a branch's name cannot end the mark.
        of_group = f"of {quote(self._group)} " if self._group else ""
        self._mark = f"{_OURS}{run.pipeline} {of_group}-->"
        self._run_mark = f"<!-- slipway run {run.id} attempt {attempt} -->"

    def update(self, status: str, listed: list[Entry]) -> None:
        """Opens, comments on or closes the issue, unless a newer run has already decided otherwise."""
        if status == "Failed" and not self._newer("Succeeded", listed):
            self._failed()
        if status == "Succeeded":
            if not self._newer("Failed", listed):
                self._succeeded()
            self._fixed()

    def _newer(self, status: str, listed: list[Entry]) -> bool:
        """True if a run that started later ended so; it is of the same branch or pull request, and no rollback."""
        own = next((entry for entry in listed if entry.id == self._run.id), None)
        if own is None:
            return False
        found = (
            entry for entry in listed if entry.started > own.started and entry.status == status and not entry.rollback
        )
        return any(not self._group or read(self._run.pipeline, entry.id).group == self._group for entry in found)

    def _open(self) -> list[dict[str, Any]]:
        """Returns the pipeline's open issues, oldest first: more than one only if two calls opened one at once."""
        found = self._github.pages(f"/issues?state=open&labels={_LABEL}&sort=created&direction=asc")
        return [issue for issue in found if str(issue.get("body") or "").startswith(self._mark)]

    def _failed(self) -> None:
        stages = self._settings.stages.get(self._run.pipeline, "").split()
        text = f"{self._run_mark}\n{report(self._run, stages)}"
        issues = self._open()
        if not issues:
            where = self._run.stage or "a stage"
            title = f"{self._settings.product}: {where} failed in {self._run.pipeline}"
            title += f", {self._group}" if self._group else ""
            self._github.post("/issues", {"title": title, "body": f"{self._mark}\n{text}", "labels": [_LABEL]})
        elif not self._mentioned(issues[0]):
            self._comment(issues[0], text)
        self._close_all(self._open()[1:], "Another issue of this pipeline is open already.")

    def _succeeded(self) -> None:
        comment = f"{self._run.pipeline} succeeded again with {as_code(self._run.name)}: [run]({self._run.link})."
        self._close_all(self._open(), comment)

    def _fixed(self) -> None:
        """Closes the issues that the commit says it fixes. A pull request is not trusted: anyone can open one."""
        if self._run.pull_request:
            return
        numbers = list(dict.fromkeys(_FIX.findall(self._run.message)))[:_FIXED]
        for issue in filter(None, (self._github.get(f"/issues/{int(number)}") for number in numbers)):
            if issue["state"] == "open" and str(issue.get("body") or "").startswith(_OURS):
                commit = f"{self._run.commit[:7]} in {as_code(self._run.branch)}"
                self._close_all(
                    [issue], f"{commit} says that it fixes this, and [its run]({self._run.link}) succeeded."
                )

    def _close_all(self, issues: list[dict[str, Any]], why: str) -> None:
        for issue in issues:
            # Comment first: a retry looks for open issues only.
            if not self._commented(issue, self._run_mark):
                self._comment(issue, f"{self._run_mark}\n{why}")
            self._github.patch(f"/issues/{issue['number']}", {"state": "closed", "state_reason": "completed"})

    def _comment(self, issue: dict[str, Any], text: str) -> None:
        self._github.post(f"/issues/{issue['number']}/comments", {"body": text})

    def _mentioned(self, issue: dict[str, Any]) -> bool:
        first = str(issue["body"]).removeprefix(self._mark).lstrip()
        return first.startswith(self._run_mark) or self._commented(issue, self._run_mark)

    def _commented(self, issue: dict[str, Any], run_mark: str) -> bool:
        comments = self._github.pages(f"/issues/{issue['number']}/comments")
        return any(str(comment.get("body") or "").startswith(run_mark) for comment in comments)


def report(run: Run, stages: Sequence[str] = ()) -> str:
    """Returns the text of an issue: where and why the run failed, its commit, all stages, and links to run and log.

    `stages` are those of the pipeline, in order; the run need not have entered all of them.
    """
    where = f"{run.stage}/{run.action}" if run.stage else "run"
    rows = {
        "Stage": run.stage or "unknown",
        "Action": run.action or "unknown",
        "Run": f"[{run.id}]({run.link})",
        "Branch": as_code(run.branch),
        "Pull request": f"#{run.pull_request}" if run.pull_request.isdigit() else "",
        "Commit": f"{run.commit} {as_code(run.subject)}".strip(),
        "Author": as_code(run.author),
        "Version": as_code(run.version),
        "Log": f"[{where}]({run.log or run.link})",
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items() if value)
    states = {**dict.fromkeys(stages, "did not start"), **dict(run.stages)}
    progress = "\n".join(f"| {name} | {state} |" for name, state in states.items())
    reason = shortened(run.reason or "CodePipeline gave no reason.", _REASON).replace("~~~~", "~~~ ")
    return (
        f"| | |\n|---|---|\n{table}\n\n~~~~\n{reason}\n~~~~\n\n"
        f"| stage | status |\n|---|---|\n{progress}\n\n"
        "Push a fix, or retry the stage on the page of the run. The next success closes this issue; so does one of "
        'another branch whose commit says "Fix issue #" and its number.\n'
    )
