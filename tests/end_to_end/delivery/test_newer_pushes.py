"""The effect of a push on runs in progress, in AllThrive's pipelines, which the real CDK CLI deploys."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from localcloud import process, shell
from localcloud.testing.cloud import until
from localcloud.testing.plain import ACCOUNT, REGION, Plain, free_port
from paths import ROOT
from products import load
from slipway_cli.cloud import OURS
from slipway_cli.demo.infrastructure import Cdk
from slipway_cli.demo.repository import put_on_github

pytestmark = [pytest.mark.local, pytest.mark.slow]

MAIN, FEATURE, PULLS = "allthrive-main", "allthrive-feature", "allthrive-pull-request"


@dataclass(frozen=True)
class Deployed:
    """The product's tooling, and a clone to push from. The stage Test is disabled, so that runs stay in progress."""

    plain: Plain
    clone: Path
    api_url: str
    token: str

    def push(self, branch: str, text: str) -> None:
        """Commits on a branch and pushes it, as a user does."""
        (self.clone / "CHANGES.md").write_text(text, encoding="utf-8")
        for words in (
            ("checkout", "-q", "-B", branch),
            ("add", "."),
            ("commit", "-q", "-m", text),
            ("push", "-q", "origin", f"HEAD:refs/heads/{branch}"),
        ):
            subprocess.run(["git", "-C", self.clone, *words], capture_output=True, text=True, check=True)

    def ask_to_merge(self, branch: str) -> None:
        """Opens a pull request to main."""
        body = json.dumps({"title": "Try", "head": branch, "base": "main"}).encode()
        request = urllib.request.Request(
            f"{self.api_url}/pulls", body, {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 201

    def runs(self, pipeline: str) -> list[dict[str, Any]]:
        """Returns the runs of a pipeline, the newest first."""
        api = self.plain.client("codepipeline")
        found: list[dict[str, Any]] = api.list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]
        return found

    def started(self, pipeline: str, count: int) -> list[dict[str, Any]]:
        """Waits until a pipeline has so many runs, and returns them."""
        until(f"{count} runs of {pipeline}", lambda: len(self.runs(pipeline)) == count)
        return self.runs(pipeline)

    def status(self, pipeline: str, run: str) -> str:
        return str(next(summary["status"] for summary in self.runs(pipeline) if summary["pipelineExecutionId"] == run))

    def reason(self, pipeline: str, run: str) -> str:
        found = next(summary for summary in self.runs(pipeline) if summary["pipelineExecutionId"] == run)
        return str((found.get("stopTrigger") or {}).get("reason"))


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    product = load("allthrive")
    assert product.pipeline
    state = tmp_path_factory.mktemp("delivery")
    settings = replace(OURS, port=free_port(), state=state, docker=False)
    process.start(settings)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in shell.variables(settings).items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        cdk = Cdk(settings, product.name)
        cdk.synth()
        cdk.bootstrap(ACCOUNT, REGION)
        cdk.deploy(["tooling/*"], lambda _: None)
        clone = put_on_github(settings, product, product.pipeline, ROOT / "examples" / "allthrive").clone
    plain = Plain(settings.port, settings.state)
    api = plain.client("codepipeline")
    for pipeline in (MAIN, FEATURE, PULLS):
        api.disable_stage_transition(
            pipelineName=pipeline, stageName="Test", transitionType="Inbound", reason="to stay under way"
        )
    secret = plain.client("secretsmanager").get_secret_value(SecretId=product.pipeline.github.secret)["SecretString"]
    where = f"{settings.url}/_github/api/v3/repos/{product.repository.owner}/{product.repository.name}"
    yield Deployed(plain, clone, where, json.loads(secret)["token"])
    process.stop(settings)


def test_a_newer_push_to_a_feature_branch_stops_the_older_run_of_that_branch_only(deployed: Deployed) -> None:
    before = len(deployed.runs(FEATURE))
    deployed.push("feature/other", "other")
    deployed.push("feature/search", "first")
    first, other = (started["pipelineExecutionId"] for started in deployed.started(FEATURE, before + 2)[:2])
    deployed.push("feature/search", "second")
    second = deployed.started(FEATURE, before + 3)[0]["pipelineExecutionId"]

    until("the older one is stopped", lambda: deployed.status(FEATURE, first) in {"Stopping", "Stopped"})
    assert deployed.reason(FEATURE, first) == f"replaced by run {second}"
    assert deployed.status(FEATURE, other) == deployed.status(FEATURE, second) == "InProgress"


def test_a_newer_push_to_a_pull_request_stops_its_older_run(deployed: Deployed) -> None:
    before = len(deployed.runs(PULLS))
    deployed.push("fix-typo", "one word")
    deployed.ask_to_merge("fix-typo")
    first = deployed.started(PULLS, before + 1)[0]["pipelineExecutionId"]
    deployed.push("fix-typo", "another word")
    second = deployed.started(PULLS, before + 2)[0]["pipelineExecutionId"]

    until("the older one is stopped", lambda: deployed.status(PULLS, first) in {"Stopping", "Stopped"})
    assert deployed.reason(PULLS, first) == f"replaced by run {second}"
    assert deployed.status(PULLS, second) == "InProgress"


def test_on_main_both_runs_stay_in_the_queue(deployed: Deployed) -> None:
    before = len(deployed.runs(MAIN))
    deployed.push("main", "first")
    deployed.push("main", "second")
    second, first = (started["pipelineExecutionId"] for started in deployed.started(MAIN, before + 2)[:2])

    def waiting() -> list[str]:
        state = deployed.plain.client("codepipeline").get_pipeline_state(name=MAIN)
        test = next(stage for stage in state["stageStates"] if stage["stageName"] == "Test")
        return [inbound["pipelineExecutionId"] for inbound in test.get("inboundExecutions", [])]

    until("both wait before Test", lambda: waiting()[-2:] == [first, second])
    assert deployed.status(MAIN, first) == deployed.status(MAIN, second) == "InProgress"
