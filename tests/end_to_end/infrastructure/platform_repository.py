"""The platform repository of the product `tiny` on a local cloud with containers, and what its users do with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from localcloud import clients, keys
from localcloud.testing.cloud import Cloud, until
from paths import ROOT
from products import load, names

PRODUCT = load("tiny")
PIPELINE = names.pipeline(PRODUCT.name, "infrastructure")
SOURCE = ROOT / "tests" / "support" / "tiny"
LONGEST = 1500  # seconds of a run, on a machine that runs other tests at the same time
# The checks of the platform take minutes and have tests of their own (tests/builds); Synth is as it is.
QUICK = {"COMMAND": "test -f cdk.json"}


@dataclass(frozen=True)
class Platform:
    """The product after its demo, and the clone of the platform repository."""

    cloud: Cloud

    @cached_property
    def clone(self) -> Path:
        return self.cloud.state / "work" / "platform"

    def client(self, service: str) -> Any:
        credentials = keys.root(self.cloud.settings).credentials()
        return clients.client(service, credentials, PRODUCT.tooling.region, url=self.cloud.url)

    def run(self, *words: str, code: int = 0) -> str:
        """Runs a program of the user; returns its output."""
        environment = {**os.environ, **self.cloud.settings.environment()}
        done = subprocess.run(
            words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST
        )
        assert done.returncode == code, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout + done.stderr

    def slipway(self, *words: str, code: int = 0) -> str:
        return self.run(sys.executable, "-m", "slipway_cli", *words, code=code)

    def git(self, *words: str) -> str:
        return self.run("git", "-C", str(self.clone), *words).strip()

    def edit(self, path: str, before: str, after: str) -> None:
        """Replaces a text of a file of the clone, which must have it."""
        file = self.clone / path
        text = file.read_text()
        assert before in text, f"{path} has no {before}"
        file.write_text(text.replace(before, after))

    def push(self, message: str) -> str:
        """Commits everything and pushes it to main; returns the id of the run that this starts."""
        self.git("commit", "--quiet", "--all", "--message", message)
        self.git("push", "--quiet", "origin", "main")
        commit = self.git("rev-parse", "HEAD")

        def found() -> str | None:
            return next((run for run, revision in self.runs() if revision == commit), None)

        return str(until(f"a run of {commit}", found, 120))

    def runs(self) -> Iterator[tuple[str, str]]:
        """Yields the id and the commit of each run, the newest first."""
        listed = self.client("codepipeline").list_pipeline_executions(pipelineName=PIPELINE)
        for summary in listed["pipelineExecutionSummaries"]:
            revisions = [revision["revisionId"] for revision in summary.get("sourceRevisions", [])]
            yield str(summary["pipelineExecutionId"]), str(next(iter(revisions), ""))

    def status(self, run: str) -> str:
        found = self.client("codepipeline").get_pipeline_execution(pipelineName=PIPELINE, pipelineExecutionId=run)
        return str(found["pipelineExecution"]["status"])

    def actions(self, run: str) -> dict[str, dict[str, Any]]:
        """Returns the newest attempt of each action of a run, by stage and action."""
        pages = self.client("codepipeline").get_paginator("list_action_executions")
        listed = pages.paginate(pipelineName=PIPELINE, filter={"pipelineExecutionId": run})
        details = [detail for page in listed for detail in page["actionExecutionDetails"]]
        return {f"{detail['stageName']}/{detail['actionName']}": detail for detail in reversed(details)}

    def ended(self, run: str) -> dict[str, str]:
        """Waits until the run has ended; returns the status of its actions."""
        until(f"the end of {run}", lambda: self.status(run) not in ("InProgress", "Stopping"), LONGEST)
        return {name: str(action["status"]) for name, action in self.actions(run).items()}

    def waits(self, run: str, action: str) -> None:
        """Waits until an action of a run is in progress.

        Raises:
            AssertionError: if the run ends before.
        """

        def begun() -> bool:
            assert self.status(run) == "InProgress", self.said(run)
            return self.actions(run).get(action, {}).get("status") == "InProgress"

        until(f"{action} of {run}", begun, LONGEST)

    def said(self, run: str) -> str:
        """Returns what each failed action of a run says."""
        failed = [(name, action) for name, action in self.actions(run).items() if action["status"] == "Failed"]
        return "\n".join(f"{name}: {action.get('output', {}).get('executionResult')}" for name, action in failed)

    def log(self, action: dict[str, Any]) -> str:
        """Returns the log of an action's build."""
        build = str(action["output"]["executionResult"]["externalExecutionId"])
        project, _, stream = build.partition(":")
        found = self.client("logs").get_log_events(
            logGroupName=f"/aws/codebuild/{project}", logStreamName=stream, startFromHead=False, limit=2000
        )
        return "".join(event["message"] for event in found["events"])

    def github(self, path: str, repository: str = "tiny/platform") -> Any:
        secret = self.client("secretsmanager").get_secret_value(SecretId="tiny/github")["SecretString"]
        request = urllib.request.Request(
            f"{self.cloud.settings.github_api}/repos/{repository}{path}",
            headers={"Authorization": f"Bearer {json.loads(secret)['token']}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def issue(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Waits for an open issue of the platform repository."""
        found = until("an issue", lambda: [issue for issue in self.github("/issues") if wanted(issue)], 120)
        return dict(found[0])

    def discussion(self, issue: dict[str, Any]) -> list[str]:
        """Returns the texts of an issue and of its comments."""
        comments = self.github(f"/issues/{issue['number']}/comments")
        return [str(found["body"]) for found in (self.github(f"/issues/{issue['number']}"), *comments)]

    def stack(self, target: str, name: str) -> dict[str, Any]:
        """Returns what CloudFormation says about a stack."""
        stack = names.stack(target, PRODUCT.name, name)
        found = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return dict(found[0])


def demonstrated(cloud: Cloud) -> Platform:
    """Runs the demo on a cloud."""
    platform = Platform(cloud)
    platform.slipway("demo", PRODUCT.name, "--source", str(SOURCE))
    return platform
