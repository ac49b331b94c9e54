"""Controls the running demo and its pipeline for the benchmark."""

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
_JUST_STARTED = 1.4  # seconds; the tasks take 2
_LINES = 200


class NothingToMeasureError(Exception):
    """The pipeline does not reach production; the message says why, or what to check."""


class NoDemoError(NothingToMeasureError):
    """No demo is running; the message says what to type."""


@dataclass(frozen=True)
class Demo:
    """The running demo and its pipeline."""

    chosen: Settings
    product: Product
    target: Target
    pipeline: str

    @classmethod
    def found(cls) -> Demo:
        """Returns the running demo of this checkout.

        Raises:
            NoDemoError: if none is running.
        """
        product = load("allthrive")
        chosen = replace(cloud.chosen(), account=product.tooling.account, region=product.tooling.region)
        if process.running(chosen) is None or not process.healthy(chosen):
            raise NoDemoError(f"no demo is running at {chosen.url}; type make demo, then repeat this command")
        os.environ.update(shell.variables(chosen))
        return cls(chosen, product, Target(product, "production"), "allthrive-main")

    @property
    def url(self) -> str:
        """Returns the URL of production."""
        domain = self.target.output("edge", "DistributionDomainName")
        return f"http://{domain.removesuffix('.cloudfront.net')}.cloudfront.localhost:{self.chosen.port}"

    def push(self) -> str:
        """Pushes a commit without effect on the tests, and returns its pipeline run."""
        clone = self.chosen.state / "work" / self.product.name
        if not clone.is_dir():
            raise NoDemoError(f"{clone} does not exist; type make demo, then repeat this command")
        (clone / "LOAD.md").write_text(f"Deployed under load at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC.\n")
        _git(clone, "add", "LOAD.md")
        _git(clone, "commit", "--quiet", "--message", "Deploy under load")
        _git(clone, "push", "--quiet", "origin", f"HEAD:{self.product.repository.branch}")
        commit = _git(clone, "rev-parse", "HEAD")
        return str(self._until("the run of the push", lambda: self._run_of(commit), 60))

    def _run_of(self, commit: str) -> str | None:
        listed = self._api.list_pipeline_executions(pipelineName=self.pipeline)["pipelineExecutionSummaries"]
        commits = {run["pipelineExecutionId"]: run.get("sourceRevisions", []) for run in listed}
        return next(
            (run for run, given in commits.items() if commit in {revision["revisionId"] for revision in given}), None
        )

    def approve(self, run: str) -> None:
        """Waits for the approval action, and approves it."""
        self._until("the approval of production", lambda: self._status(run, "Approve"), 1800)
        command = [sys.executable, "-m", "slipway_cli.operate", "approve", "main", "--yes"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NothingToMeasureError(f"the approval failed: {done.stderr.strip()}")

    def deploying(self, run: str) -> None:
        """Waits until the deployment of production starts."""
        self._until("the deployment", lambda: self._status(run, "Deploy", "Production"), 120)

    def ended(self, run: str) -> str:
        """Waits for the end of the run, and returns its status."""

        def over() -> str | None:
            found = self._api.get_pipeline_execution(pipelineName=self.pipeline, pipelineExecutionId=run)
            status = str(found["pipelineExecution"]["status"])
            return None if status in {"InProgress", "Stopping"} else status

        return str(self._until("the end of the run", over, 900))

    def seconds(self, run: str, stage: str) -> float:
        """Returns the duration of a stage in seconds."""
        found = [action for action in self._actions(run) if action["stageName"] == stage]
        started, over = min(action["startTime"] for action in found), max(action["lastUpdateTime"] for action in found)
        return float((over - started).total_seconds())

    def kill_a_worker(self) -> tuple[str, int]:
        """Kills a busy worker of production with SIGKILL; returns its container and the number of its tasks.

        An idle worker could be killed after Redis delivers a task, but before the worker records it, which loses the
        task regardless of the settings: docs/deploy-safety.md.
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
            just_started = [
                started for started in held.values() if (datetime.now(UTC) - started).total_seconds() < _JUST_STARTED
            ]
            return str(len(held)) if len(held) == len(just_started) == _SLOTS else None

        held = self._until("a worker with only new tasks", full, 60, every=0.1)
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
        for execution in self._actions(run):
            if execution["status"] == "Failed":
                reason = (
                    execution.get("output", {}).get("executionResult", {}).get("errorDetails", {}).get("message", "")
                )
                raise NothingToMeasureError(
                    f"{execution['stageName']}/{execution['actionName']} failed: {reason[:500]}"
                )
            if execution["actionName"] == action and stage in {"", execution["stageName"]}:
                return str(execution["status"])
        return None

    @staticmethod
    def _until(what: str, ready: Callable[[], str | None], seconds: float, every: float = _POLL) -> str:
        deadline = time.monotonic() + seconds
        while not (found := ready()):
            if time.monotonic() > deadline:
                raise NothingToMeasureError(f"waited {seconds:.0f} s for {what}; type make status")
            time.sleep(every)
        return found


def _git(clone: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(clone), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NothingToMeasureError(f"git {words[0]} in {clone}: {done.stderr.strip()}")
    return done.stdout.strip()
