"""Keeps one open GitHub issue for a pipeline that fails, closes it when it succeeds, and marks commits.

What an issue is about stands in a mark at the beginning of its text, and of each comment. So an event that comes twice
changes nothing, and one that comes late is measured against the runs that CodePipeline lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.github import GitHub
from shared.job import shortened
from shared.parameters import Parameters
from shared.runs import Entry, Event, Run, entries, read, told
from shared.words import as_code

_LABEL = "bug"
_REASON = 3000
_DESCRIPTION = 140  # characters GitHub takes
_STATES = {
    "InProgress": ("pending", "runs"),
    "Succeeded": ("success", "succeeded"),
    "Failed": ("failure", "failed"),
    "Stopping": ("error", "was stopped"),
    "Stopped": ("error", "was stopped"),
    "Cancelled": ("error", "was cancelled: the pipeline changed"),
    "Superseded": ("error", "made way for a newer run"),
}


@dataclass(frozen=True)
class Settings:
    """What the function is told by its environment."""

    product: str
    repository: str
    secret: str
    issues: tuple[str, ...]
    """The pipelines whose failures are issues; of the others commits get their status only."""

    @classmethod
    def of(cls, parameters: Parameters) -> Settings:
        """Read and check the environment once."""
        settings = cls(
            parameters.text("product"),
            parameters.text("repository"),
            parameters.text("secret"),
            parameters.texts("issues"),
        )
        parameters.done()
        return settings


def main(event: dict[str, Any], _context: object) -> None:
    """Bring issue and commit up to date; raises where that failed, and Lambda calls again."""
    settings = Settings.of(Parameters.of())
    news = Event.of(event)
    listed = told(entries(news.pipeline), news)
    entry = next((each for each in listed if each.id == news.execution), None)
    status = entry.status if entry else news.status
    run = read(news.pipeline, news.execution, news.trigger)
    if run.rollback:
        return
    github = GitHub(settings.repository, settings.secret)
    try:
        if news.pipeline in settings.issues:
            Issues(github, settings.product, run, news.attempt).update(status, listed)
    finally:
        if run.commit:
            mark(github, run, status)


def mark(github: GitHub, run: Run, status: str) -> None:
    """Give the commit a status."""
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
    """The issue of one pipeline, as one run changes it."""

    def __init__(self, github: GitHub, product: str, run: Run, attempt: str) -> None:
        self._github, self._product, self._run = github, product, run
        self._mark = f"<!-- slipway pipeline {run.pipeline} -->"
        self._run_mark = f"<!-- slipway run {run.id} attempt {attempt} -->"

    def update(self, status: str, listed: list[Entry]) -> None:
        """Open, comment or close, unless a newer run said otherwise."""
        newer = _newer(self._run.id, listed)
        if status == "Failed" and "Succeeded" not in newer:
            self._failed()
        if status == "Succeeded" and "Failed" not in newer:
            self._succeeded()

    def _open(self) -> list[dict[str, Any]]:
        """The pipeline's open issues, oldest first: one, unless two calls opened one at the same moment."""
        found = self._github.pages(f"/issues?state=open&labels={_LABEL}&sort=created&direction=asc")
        return [each for each in found if str(each.get("body") or "").startswith(self._mark)]

    def _failed(self) -> None:
        text = f"{self._run_mark}\n{report(self._run)}"
        issues = self._open()
        if not issues:
            where = self._run.stage or "a stage"
            title = f"{self._product}: {where} failed in {self._run.pipeline}"
            self._github.post("/issues", {"title": title, "body": f"{self._mark}\n{text}", "labels": [_LABEL]})
        elif not self._mentioned(issues[0]):
            self._comment(issues[0], text)
        self._close_all(self._open()[1:], "Another issue of this pipeline is open already.")

    def _succeeded(self) -> None:
        said = f"{self._run.pipeline} succeeded again with {as_code(self._run.name)}: [run]({self._run.link})."
        self._close_all(self._open(), said)

    def _close_all(self, issues: list[dict[str, Any]], why: str) -> None:
        for issue in issues:
            # The comment first: were the issue closed, a second try would not find it.
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
        return any(str(each.get("body") or "").startswith(run_mark) for each in comments)


def _newer(execution: str, listed: list[Entry]) -> set[str]:
    """How the releases that started after a run ended."""
    own = next((each for each in listed if each.id == execution), None)
    if own is None:
        return set()
    return {each.status for each in listed if each.started > own.started and not each.rollback}


def report(run: Run) -> str:
    """What a person needs to begin: where, why, of which commit, and the links."""
    rows = {
        "Stage": run.stage or "unknown",
        "Action": run.action or "unknown",
        "Run": f"[{run.id}]({run.link})",
        "Branch": as_code(run.branch),
        "Pull request": f"#{run.pull_request}" if run.pull_request.isdigit() else "",
        "Commit": f"{run.commit} {as_code(run.message)}".strip(),
        "Author": as_code(run.author),
        "Version": as_code(run.version),
        "Log": f"[{run.stage}/{run.action}]({run.log})" if run.log else "",
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items() if value)
    stages = "\n".join(f"| {name} | {status} |" for name, status in run.stages)
    reason = shortened(run.reason or "CodePipeline gave no reason.", _REASON).replace("~~~~", "~~~ ")
    return (
        f"| | |\n|---|---|\n{table}\n\n~~~~\n{reason}\n~~~~\n\n"
        f"| stage | status |\n|---|---|\n{stages}\n\n"
        "Push a fix, or retry the stage where the run shows it. The next success closes this issue.\n"
    )
