"""A push to main of Edenco: its containers on the hosts of staging, a browser's tests, production, a GitHub release."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from localcloud.testing.cloud import until
from slipway_cli.release.verify import get
from tests.end_to_end.edenco.product import Edenco

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

WORDS = "Plants of the whole house"
STAGES = ["Source", "Test", "Publish", "Staging", "E2E", "Production", "Release"]


@dataclass(frozen=True)
class Pushed:
    """A push whose run has ended."""

    commit: str
    status: str
    actions: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def pushed(edenco: Edenco) -> Pushed:
    edenco.add_plant("staging", "Fern")
    page = edenco.clone / "frontend" / "src" / "App.tsx"
    page.write_text(page.read_text().replace("<h1>Edenco</h1>", f"<h1>{WORDS}</h1>"))
    run = edenco.push("Say whose plants these are")
    actions = edenco.ended(run)
    return Pushed(edenco.git("rev-parse", "HEAD"), edenco.status(run), actions)


def test_a_push_reaches_its_last_stage(pushed: Pushed) -> None:
    assert {name: action["output"] for name, action in pushed.actions.items() if action["status"] != "Succeeded"} == {}
    assert pushed.status == "Succeeded"
    assert list(dict.fromkeys(name.partition("/")[0] for name in pushed.actions)) == STAGES


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_hosts_run_the_pushed_release_with_the_data_of_before(
    edenco: Edenco, pushed: Pushed, environment: str
) -> None:
    answer = edenco.answer(environment)
    page = get(f"{edenco.urls[environment]}/").body.decode()
    script = page.partition('src="/assets/')[2].partition('"')[0]

    assert answer["status"] == "ok"
    assert answer["version"] == f"1.4.0-{pushed.commit[:7]}"
    image = pushed.actions["Publish/Backend"]["output"]["outputVariables"]["IMAGE"]
    assert answer["image_digest"] == image.partition("@")[2]
    assert WORDS in get(f"{edenco.urls[environment]}/assets/{script}").body.decode()
    assert "Fern" in edenco.plants("staging")


def test_the_report_of_the_browsers_tests_is_an_artifact_that_can_be_opened(edenco: Edenco, pushed: Pushed) -> None:
    (name, action), *others = [(name, action) for name, action in pushed.actions.items() if name.startswith("E2E/")]
    assert not others, name
    bucket, folder = edenco.output_of("tooling-edenco-delivery", "ReportsBucketName"), action["pipelineExecutionId"]

    def kept(file: str) -> bytes:
        return bytes(edenco.client("s3").get_object(Bucket=bucket, Key=f"main/{folder}/{file}")["Body"].read())

    found = json.loads(kept("results.json"))["stats"]
    assert (found["unexpected"], found["flaky"], found["skipped"]) == (0, 0, 0)
    assert found["expected"] == (edenco.clone / "testing" / "tests" / "site.spec.ts").read_text().count("\ntest(")
    assert b"<!DOCTYPE html>" in kept("index.html")


def test_github_shows_the_release_at_the_pushed_commit(edenco: Edenco, pushed: Pushed) -> None:
    release = edenco.github(f"/releases/tags/v1.4.0-{pushed.commit[:7]}")

    assert release["target_commitish"] == pushed.commit
    until("the commit's mark", lambda: edenco.github(f"/commits/{pushed.commit}/status")["state"] == "success")


def test_status_logs_and_exec_work_on_hosts(edenco: Edenco, pushed: Pushed) -> None:
    status = edenco.slipway("status")
    logs = edenco.slipway("logs", "staging", "proxy", "--since", "10m")
    shown = edenco.slipway("exec", "staging", "backend", "--", "python", "manage.py", "showmigrations", "plants")

    assert f"1.4.0-{pushed.commit[:7]}" in status
    assert "GET /api/v1/status/" in logs
    assert "[X] 0001_plant" in shown
