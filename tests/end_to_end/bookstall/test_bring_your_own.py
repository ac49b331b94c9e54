"""A project in the layout of cookiecutter-django goes through the demo and a push to release, unchanged.

Its own check (`examples/bookstall/demo-check.py`) visits pages, logs in, runs a task and uploads a picture: the demo
runs it, and this module after the push.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from localcloud import clients, keys
from localcloud.settings import Settings
from localcloud.testing.cloud import Cloud, until
from localcloud.testing.fixtures import home
from paths import ROOT
from products import load
from slipway_cli.demo import checks, options
from slipway_cli.release.verify import get

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

PRODUCT = load("bookstall")
EXAMPLE = ROOT / "examples" / "bookstall"
PIPELINE = "bookstall-main"
WORDS = "The stall is open on Saturdays too."
LONGEST = 900  # seconds, on a machine that runs other tests at the same time


@dataclass(frozen=True)
class Bookstall:
    """The product after the demo."""

    cloud: Cloud
    urls: dict[str, str]
    output: str

    @cached_property
    def clone(self) -> Path:
        return self.cloud.state / "work" / "bookstall"

    def client(self, service: str) -> Any:
        credentials = keys.root(self.cloud.settings).credentials()
        return clients.client(service, credentials, PRODUCT.tooling.region, url=self.cloud.url)

    def run(self, *words: str, folder: Path = ROOT) -> str:
        """Runs a program of the demo's user; returns its output."""
        environment = {**os.environ, **self.cloud.settings.environment()}
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def own_cloud(tmp_path_factory: pytest.TempPathFactory, common: Settings) -> Iterator[Cloud]:
    """A cloud of the account that the product is in."""
    with home(tmp_path_factory, replace(common, account=PRODUCT.tooling.account)) as running:
        yield running


@pytest.fixture(scope="module")
def bookstall(own_cloud: Cloud) -> Bookstall:
    bare = Bookstall(own_cloud, {}, "")
    output = bare.run(sys.executable, "-m", "slipway_cli", "demo", "--product", "bookstall", "--source", str(EXAMPLE))
    return Bookstall(
        own_cloud, dict(re.findall(r"^(staging|production)\s+(http://\S+)/$", output, re.MULTILINE)), output
    )


@dataclass(frozen=True)
class Pushed:
    """A push that reached its last stage."""

    commit: str
    actions: dict[str, str]
    """The status of each action of the run."""


@pytest.fixture(scope="module")
def pushed(bookstall: Bookstall) -> Pushed:
    page = bookstall.clone / "bookstall" / "templates" / "about.html"
    page.write_text(page.read_text().replace("on Sundays.", f"on Sundays. {WORDS}"))
    bookstall.run(
        "git", "commit", "--all", "--message", "Say that the stall is open on Saturdays", folder=bookstall.clone
    )
    bookstall.run("git", "push", "origin", "main", folder=bookstall.clone)
    commit = bookstall.run("git", "rev-parse", "HEAD", folder=bookstall.clone).strip()
    pipeline = bookstall.client("codepipeline")

    def found() -> str | None:
        for listed in pipeline.list_pipeline_executions(pipelineName=PIPELINE)["pipelineExecutionSummaries"]:
            if commit in {revision["revisionId"] for revision in listed.get("sourceRevisions", [])}:
                return str(listed["pipelineExecutionId"])
        return None

    run = until("the run of the push", found, 120)

    def status() -> str:
        answer = pipeline.get_pipeline_execution(pipelineName=PIPELINE, pipelineExecutionId=run)
        return str(answer["pipelineExecution"]["status"])

    def waits() -> bool:
        stages = pipeline.get_pipeline_state(name=PIPELINE)["stageStates"]
        actions = next(stage["actionStates"] for stage in stages if stage["stageName"] == "Approval")
        return any(action.get("latestExecution", {}).get("token") for action in actions)  # only an approval has one

    def actions() -> dict[str, str]:
        listed = pipeline.list_action_executions(pipelineName=PIPELINE, filter={"pipelineExecutionId": run})
        return {
            f"{detail['stageName']}/{detail['actionName']}": detail["status"]
            + str(detail.get("output", {}).get("executionResult", {}).get("errorDetails", ""))
            for detail in listed["actionExecutionDetails"]
        }

    until("the approval of production", lambda: waits() or status() != "InProgress", LONGEST)
    assert status() == "InProgress", actions()
    assert WORDS.encode() not in get(f"{bookstall.urls['production']}/about/").body
    bookstall.run(sys.executable, "-m", "slipway_cli", "approve", "main", "--product", "bookstall", "--yes")
    until("the end of the run", lambda: status() != "InProgress", LONGEST)
    assert status() == "Succeeded", actions()
    return Pushed(commit, actions())


def test_the_demo_serves_both_environments(bookstall: Bookstall) -> None:
    assert set(bookstall.urls) == {"staging", "production"}
    for environment in bookstall.urls:
        assert re.search(
            rf"check {environment}: pages: served.*login: .*task: counted.*upload: /media/", bookstall.output
        )


def test_secrets_that_an_operator_creates_have_placeholders(bookstall: Bookstall) -> None:
    assert "create secrets: skipped, placeholders for bookstall/mailgun" in bookstall.output


def test_an_upload_is_an_object_of_the_media_bucket(bookstall: Bookstall) -> None:
    stacks = bookstall.client("cloudformation").describe_stacks(StackName="staging-bookstall-data")["Stacks"]
    bucket = next(output["OutputValue"] for output in stacks[0]["Outputs"] if output["OutputKey"] == "MediaBucketName")

    listed = bookstall.client("s3").list_objects_v2(Bucket=bucket)["Contents"]

    assert [item["Key"] for item in listed if item["Key"].startswith("media/covers/")]


def test_a_push_is_released_to_production_after_the_approval(bookstall: Bookstall, pushed: Pushed) -> None:
    assert set(pushed.actions.values()) == {"Succeeded"}, pushed.actions
    for url in bookstall.urls.values():
        assert WORDS.encode() in get(f"{url}/about/").body


def test_the_product_still_logs_in_runs_tasks_and_stores_uploads(bookstall: Bookstall, pushed: Pushed) -> None:
    command = options.read(EXAMPLE).check

    shown = checks.own(command, EXAMPLE, "production", bookstall.urls["production"])

    assert re.search(r"pages: served.*login: as demo.*task: counted \d+ words.*upload: /media/", shown)
