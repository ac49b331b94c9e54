"""A build's log while it runs, and what it reported, from containers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.testing.cloud import Cloud
from localcloud.testing.pipelines import World, action, allow, stage, until
from localcloud.testing.plain import REGION, unique
from slipway_cli.console.pages import answer
from slipway_cli.console.web import BASE, Console, Request

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

JUNIT = (
    "<testsuite name='shop'><testcase name='signs in'/><testcase name='pays'>"
    "<failure message='expected 200'/></testcase></testsuite>"
)


@pytest.fixture(scope="module")
def built(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(cloud, tmp_path_factory.mktemp("console-builds"))


@pytest.fixture
def console(built: World) -> Console:
    def clients(service: str, _region: str) -> Any:
        return built.plain.client(service)

    return Console(clients=clients, region=REGION, github="https://github.example", actions=False, every=1.0)


def running(world: World, *commands: str) -> tuple[str, str]:
    """A run whose build does these commands: its pipeline and its id."""
    reports = {"e2e": {"files": ["*.xml"], "base-directory": "reports", "file-format": "JUNITXML"}}
    phases = {"build": {"commands": list(commands)}}
    trust = {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
    project, name = unique("build"), unique("built")
    world.plain.client("codebuild").create_project(
        name=project,
        source={"type": "NO_SOURCE", "buildspec": json.dumps({"version": "0.2", "phases": phases, "reports": reports})},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=world.plain.role(unique("builder"), allow("logs:*", "s3:*", "codebuild:*"), trust=trust),
    )
    build = action("Playwright", "Test", "CodeBuild", {"ProjectName": project}, inputs=["Code"])
    world.api.create_pipeline(pipeline=world.declare(stage("E2E", build), name=name))
    return name, world.executions(name)[0]["pipelineExecutionId"]


def page(console: Console, name: str, run: str, words: str) -> str:
    """The run's page, once these words are on it."""
    text = answer(console, Request("GET", f"{BASE}/{name}/executions/{run}/visualization", {})).body.decode()
    return text if words in text else ""


def test_a_builds_lines_arrive_while_it_runs(built: World, console: Console) -> None:
    name, run = running(built, "echo hello from $((40 + 2))", "sleep 600")
    text = until("its line is shown", lambda: page(console, name, run, "hello from 42"))
    assert built.execution(name, run)["status"] == "InProgress"
    assert "Build build-" in text
    built.api.stop_pipeline_execution(pipelineName=name, pipelineExecutionId=run, abandon=True)
    built.ended(name, run)


def test_a_failed_build_shows_its_reason_its_log_and_the_tests_that_failed(built: World, console: Console) -> None:
    name, run = running(built, "mkdir reports", f'echo "{JUNIT}" > reports/e2e.xml', "echo 1 of 2 failed && exit 3")
    built.ended(name, run)
    text = page(console, name, run, "E2E/Playwright failed")
    for words in (
        "COMMAND_EXECUTION_ERROR",
        "1 of 2 failed\n",
        "E2E/Playwright: 1 of 2 tests failed",
        "✗ pays",
        "expected 200",
    ):
        assert words in text, words
