"""The running demo, and its pipeline, as the benchmark drives them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker

from bench.load.tasks import in_hand
from localcloud import process, shell
from localcloud.settings import Settings
from products import Product, load, names
from slipway_cli import cloud
from slipway_cli.release.target import Target

_POLL = 0.5
_SLOTS = 2  # CELERY_WORKER_CONCURRENCY of the example
_JUST_BEGUN = 1.4  # seconds; the tasks take 2
_LINES = 200


class NothingToMeasureError(Exception):
    """The pipeline does not get to production; the message says why, or what to look at."""


class NoDemoError(NothingToMeasureError):
    """No demo is up; the message says what to type."""


@dataclass(frozen=True)
class Demo:
    """The demo that runs, and its pipeline."""

    chosen: Settings
    product: Product
    target: Target
    pipeline: str

    @classmethod
    def found(cls) -> Demo:
        """The demo of this checkout.

        Raises:
            NoDemoError: if none serves.
        """
        product = load("allthrive")
        chosen = replace(cloud.chosen(), account=product.tooling.account, region=product.tooling.region)
        if process.running(chosen) is None or not process.healthy(chosen):
            raise NoDemoError(f"no demo serves at {chosen.url}; type slipway demo, then this again")
        os.environ.update(shell.variables(chosen))
        return cls(chosen, product, Target(product, "production"), "allthrive-main")

    @property
    def url(self) -> str:
        """Production's address."""
        domain = self.target.output("edge", "DistributionDomainName")
        return f"http://{domain.removesuffix('.cloudfront.net')}.cloudfront.localhost:{self.chosen.port}"

    def push(self) -> str:
        """Push a commit that changes nothing that is tested; its run."""
        clone = self.chosen.state / "work" / self.product.name
        if not clone.is_dir():
            raise NoDemoError(f"{clone} is not there; type slipway demo, then this again")
        (clone / "LOAD.md").write_text(f"Deployed under load at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC.\n")
        _git(clone, "add", "LOAD.md")
        _git(clone, "commit", "--quiet", "--message", "Deploy under load")
        _git(clone, "push", "--quiet", "origin", f"HEAD:{self.product.repository.branch}")
        commit = _git(clone, "rev-parse", "HEAD")
        return str(self._until("the run of the push", lambda: self._run_of(commit), 60))

    def _run_of(self, commit: str) -> str | None:
        listed = self._api.list_pipeline_executions(pipelineName=self.pipeline)["pipelineExecutionSummaries"]
        commits = {run["pipelineExecutionId"]: run.get("sourceRevisions", []) for run in listed}
        return next((run for run, given in commits.items() if commit in {one["revisionId"] for one in given}), None)

    def approve(self, run: str) -> None:
        """Wait for the question, and say yes."""
        self._until("the question whether it may go to production", lambda: self._status(run, "Approve"), 1800)
        command = [sys.executable, "-m", "slipway_cli", "approve", "main", "--yes", "--product", self.product.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NothingToMeasureError(f"it was not approved: {done.stderr.strip()}")

    def deploying(self, run: str) -> None:
        """Wait until production's services are updated."""
        self._until("the deployment", lambda: self._status(run, "Deploy", "Production"), 120)

    def ended(self, run: str) -> str:
        """Wait for the end of the run; its status."""

        def over() -> str | None:
            found = self._api.get_pipeline_execution(pipelineName=self.pipeline, pipelineExecutionId=run)
            status = str(found["pipelineExecution"]["status"])
            return None if status in {"InProgress", "Stopping"} else status

        return str(self._until("the end of the run", over, 900))

    def seconds(self, run: str, stage: str) -> float:
        """How long a stage took."""
        found = [each for each in self._actions(run) if each["stageName"] == stage]
        begun, over = min(each["startTime"] for each in found), max(each["lastUpdateTime"] for each in found)
        return float((over - begun).total_seconds())

    def kill_a_worker(self) -> tuple[str, int]:
        """SIGKILL to one of production's workers in the middle of its tasks; its container, and how many it had.

        Its hands are full then. A worker that waits for a task can be killed between Redis giving it one and its
        noting so, which loses the task whatever the settings: docs/deploy-safety.md.
        """
        ecs = self.target.client("ecs")
        cluster = names.cluster("production", self.product.name)
        service = names.service("production", self.product.name, "celery")
        tasks = ecs.list_tasks(cluster=cluster, serviceName=service)["taskArns"]
        found = ecs.describe_tasks(cluster=cluster, tasks=tasks)["tasks"]
        oldest = min(found, key=lambda task: task["createdAt"])
        worker = docker.from_env().containers.get(str(oldest["containers"][0]["runtimeId"]))

        def full() -> str | None:
            held = in_hand(worker.logs(timestamps=True, tail=_LINES).decode(errors="replace"))
            just_begun = [each for each in held.values() if (datetime.now(UTC) - each).total_seconds() < _JUST_BEGUN]
            return str(len(held)) if len(held) == len(just_begun) == _SLOTS else None

        held = self._until("a worker with its hands full", full, 60, every=0.1)
        worker.kill()
        return str(worker.id)[:12], int(held)

    @property
    def _api(self) -> Any:
        return self.target.client("codepipeline")

    def _actions(self, run: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._api.list_action_executions(
            pipelineName=self.pipeline, filter={"pipelineExecutionId": run}
        )["actionExecutionDetails"]
        return found

    def _status(self, run: str, action: str, stage: str = "") -> str | None:
        for each in self._actions(run):
            if each["status"] == "Failed":
                reason = each.get("output", {}).get("executionResult", {}).get("errorDetails", {}).get("message", "")
                raise NothingToMeasureError(f"{each['stageName']}/{each['actionName']} failed: {reason[:500]}")
            if each["actionName"] == action and stage in {"", each["stageName"]}:
                return str(each["status"])
        return None

    @staticmethod
    def _until(what: str, ready: Callable[[], str | None], seconds: float, every: float = _POLL) -> str:
        deadline = time.monotonic() + seconds
        while not (found := ready()):
            if time.monotonic() > deadline:
                raise NothingToMeasureError(f"waited {seconds:.0f} s for {what}; look at: slipway status")
            time.sleep(every)
        return found


def _git(clone: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(clone), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NothingToMeasureError(f"git {words[0]} in {clone}: {done.stderr.strip()}")
    return done.stdout.strip()
