"""The console on a local cloud, and beside it as a program of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from localcloud.settings import Settings
from localcloud.testing.pipelines import World, approval, stage, until
from localcloud.testing.plain import REGION
from paths import ROOT

pytestmark = pytest.mark.local


def read(url: str, **fields: str) -> str:
    """A page, or what a form sent from it leads to."""
    sent = urlencode(fields).encode() if fields else None
    request = urllib.request.Request(url, data=sent, headers={"Sec-Fetch-Site": "same-origin"} if sent else {})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(answer.read().decode())


def shown(url: str, words: str) -> str:
    """The page, once these words are on it."""
    text = read(url)
    return text if words in text else ""


def address(world: World, name: str, run: str) -> str:
    return Settings(port=world.plain.port).run_url(name, run)


def test_a_run_is_shown_where_messages_say_and_its_approval_is_given_there(world: World) -> None:
    declaration = world.declare(stage("Approve", approval()), stage("Use", world.job("Work", {"say": "done"})))
    world.api.create_pipeline(pipeline=declaration)
    name = declaration["name"]
    world.token(name)
    run = world.executions(name)[0]["pipelineExecutionId"]
    url = address(world, name, run)
    text = read(url)
    assert "Approve/Ask waits for approval" in text
    assert "Mary Major" in text
    key = re.search(r'name="key" value="([^"]+)"', text)
    assert key is not None
    send = url.replace("/visualization", "/answer")
    read(send, key=key[1], stage="Approve", action="Ask", answer="Approved", comment="by the console")
    assert world.ended(name, run)["status"] == "Succeeded"
    text = until("the function's lines are there", lambda: shown(url, "START RequestId"))
    assert "<form" not in text
    assert world.actions(name, run)["Ask"]["output"]["executionResult"]["externalExecutionSummary"] == "by the console"


def test_a_failing_action_shows_its_reason_and_the_stage_is_retried(world: World) -> None:
    name = world.create(stage("Work", world.job("Deploy", {"fail": "never healthy\n  task 1 exited"})))
    (run,) = [execution["pipelineExecutionId"] for execution in world.executions(name)]
    url = address(world, name, run)
    text = read(url)
    assert "never healthy\n  task 1 exited" in text
    key = re.search(r'name="key" value="([^"]+)"', text)
    assert key is not None
    read(url.replace("/visualization", "/retry"), key=key[1], stage="Work")
    world.ended(name, run)
    assert world.attempts(name, run, "Deploy") == 2
    assert "attempt 2" in read(url)


@pytest.fixture
def console(world: World) -> Iterator[str]:
    """`slipway console` before the cloud; the address it printed."""
    environment = {
        **os.environ,
        "LOCALCLOUD_STATE": "/nonexistent",
        "AWS_ENDPOINT_URL": world.plain.url,
        "AWS_ACCESS_KEY_ID": world.plain.key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": world.plain.key.secret_access_key,
        "AWS_REGION": REGION,
    }
    command = [sys.executable, "-m", "slipway_cli", "console", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"cloud at {world.plain.url}, account ")
        printed = process.stdout.readline().strip()
        assert process.stdout.readline() == "Read-only: --allow-actions allows more.\n"
        yield printed
        process.terminate()
        assert process.wait(timeout=20) == 0


def test_as_a_program_of_its_own_it_shows_the_same_and_only_looks(world: World, console: str) -> None:
    declaration = world.declare(stage("Approve", approval()))
    world.api.create_pipeline(pipeline=declaration)
    name = declaration["name"]
    world.token(name)
    run = world.executions(name)[0]["pipelineExecutionId"]
    assert name in read(console)
    base = console.partition("?")[0]
    text = read(f"{base}/{name}/executions/{run}/visualization")
    assert "Approve/Ask waits for approval" in text
    assert "<form" not in text
    with pytest.raises(urllib.error.HTTPError, match="403"):
        read(f"{base}/{name}/executions/{run}/stop", key="x")
    world.answer(name)
    world.ended(name, run)
