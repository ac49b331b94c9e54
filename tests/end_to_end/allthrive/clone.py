"""The clone in which the demo's user changes and pushes the product, and the runs that these pushes start."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from localcloud.testing.cloud import until
from tests.end_to_end.allthrive.conftest import AllThrive

PIPELINE = "allthrive-main"
LONGEST = 900  # seconds, on a machine that runs other tests at the same time


@dataclass
class Clone:
    """The clone of the demo's user."""

    allthrive: AllThrive

    @cached_property
    def folder(self) -> Path:
        return self.allthrive.cloud.state / "work" / "allthrive"

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.folder, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip() + done.stderr

    def push(self, message: str) -> tuple[str, str]:
        """Commits and pushes. Returns the id of the run and git's output."""
        self.git("commit", "--all", "--allow-empty", "--message", message)
        output = self.git("push", "origin", "main")
        commit = self.git("rev-parse", "HEAD")
        return self.run_of(commit), output

    def run_of(self, commit: str) -> str:
        def found() -> Any:
            listed = self.allthrive.client("codepipeline").list_pipeline_executions(pipelineName=PIPELINE)
            revisions = {
                summary["pipelineExecutionId"]: [
                    revision["revisionId"] for revision in summary.get("sourceRevisions", [])
                ]
                for summary in listed["pipelineExecutionSummaries"]
            }
            return next((run for run, commits in revisions.items() if commit in commits), None)

        return str(until(f"a run of {commit}", found, 120))

    def tested(self, run: str) -> None:
        """Waits until the run needs the approval of production."""
        until("the approval of production", lambda: self._needs_approval() or self.failed(run), LONGEST)
        assert self.failed(run) == {}

    def approved(self, run: str) -> dict[str, dict[str, Any]]:
        """Approves the run with the printed command. Returns the run's actions when it has ended."""
        answered = self.allthrive.shell(f"{sys.executable} -m slipway_cli approve main --yes")
        assert answered.returncode == 0, answered.stdout + answered.stderr
        return self.ended(run)

    def ended(self, run: str) -> dict[str, dict[str, Any]]:
        """Waits until the run has ended. Returns its actions, by stage and action."""
        pipeline = self.allthrive.client("codepipeline")

        def over() -> bool:
            found = pipeline.get_pipeline_execution(pipelineName=PIPELINE, pipelineExecutionId=run)
            return str(found["pipelineExecution"]["status"]) != "InProgress"

        until(f"the end of {run}", over, LONGEST)
        return self.actions(run)

    def actions(self, run: str) -> dict[str, dict[str, Any]]:
        found = self.allthrive.client("codepipeline").list_action_executions(
            pipelineName=PIPELINE, filter={"pipelineExecutionId": run}
        )
        return {f"{detail['stageName']}/{detail['actionName']}": detail for detail in found["actionExecutionDetails"]}

    def failed(self, run: str) -> dict[str, str]:
        """Returns the error of each failed action of the run."""
        found = self.actions(run)
        failed = {name: detail for name, detail in found.items() if detail["status"] == "Failed"}
        return {name: str(detail["output"]["executionResult"].get("errorDetails")) for name, detail in failed.items()}

    def _needs_approval(self) -> bool:
        found = self.allthrive.client("codepipeline").get_pipeline_state(name=PIPELINE)["stageStates"]
        actions = next(stage["actionStates"] for stage in found if stage["stageName"] == "Approval")
        return any(action.get("latestExecution", {}).get("token") for action in actions)  # only an approval has one

    def github(self, path: str) -> Any:
        secret = self.allthrive.client("secretsmanager").get_secret_value(SecretId="allthrive/github")["SecretString"]
        request = urllib.request.Request(
            f"{self.allthrive.cloud.settings.github_api}/repos/allthrive-ai/allthrive{path}",
            headers={"Authorization": f"Bearer {json.loads(secret)['token']}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
