"""A push runs the deployed pipeline: to staging, after an approval to production, and to a GitHub release."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud.testing.cloud import until
from slipway_cli.release.verify import get
from tests.end_to_end.allthrive.clone import PIPELINE, Clone
from tests.end_to_end.allthrive.conftest import AllThrive

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

WORDS = "A push changed this page"


def status(url: str) -> Any:
    return get(f"{url}/api/v1/status/").json()


def page(url: str) -> str:
    """Returns the page and its script, which a browser would also load."""
    text = get(f"{url}/").body.decode()
    script = text.partition('src="/assets/')[2].partition('"')[0]
    return text + get(f"{url}/assets/{script}").body.decode()


@dataclass(frozen=True)
class Pushed:
    """A push that passed every stage, with what was observed during its run."""

    clone: Clone
    run: str
    commit: str
    output: str
    production_before: Any
    actions: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def pushed(allthrive: AllThrive) -> Pushed:
    clone = Clone(allthrive)
    before = status(allthrive.urls["production"])
    source = clone.folder / "frontend" / "src" / "App.tsx"
    source.write_text(source.read_text().replace("<h1>About</h1>", f"<h1>About</h1>\n      <p>{WORDS}</p>"))
    run, output = clone.push("Say that a push changed the page")
    clone.tested(run)
    assert status(allthrive.urls["production"]) | {"worker": None} == before | {"worker": None}
    return Pushed(clone, run, clone.git("rev-parse", "HEAD"), output, before, clone.approved(run))


def test_git_prints_the_run_that_the_push_started(pushed: Pushed) -> None:
    assert "remote: allthrive-main started: http://localhost:" in pushed.output
    assert pushed.run in pushed.output


def test_every_action_of_the_pipeline_succeeded(pushed: Pushed) -> None:
    assert {name: action["status"] for name, action in pushed.actions.items() if action["status"] != "Succeeded"} == {}
    assert len(pushed.actions) == 25


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_served_page_shows_the_change_and_the_status_its_version_and_digest(
    pushed: Pushed, environment: str
) -> None:
    url = pushed.clone.allthrive.urls[environment]
    commit = pushed.commit
    image = pushed.actions["Publish/Backend"]["output"]["outputVariables"]["IMAGE"]

    assert WORDS in page(url)
    assert status(url)["version"] == f"1.0.0-{commit[:7]}"
    assert status(url)["image_digest"] == image.partition("@")[2]


@pytest.mark.parametrize("environment", ["Staging", "Production"])
def test_the_migration_ran_once_after_the_services_were_stable(pushed: Pushed, environment: str) -> None:
    deploy, migrate = (pushed.actions[f"{environment}/{name}"] for name in ("Deploy", "Migrate"))

    assert deploy["lastUpdateTime"] <= migrate["startTime"]
    assert "exit code 0" in migrate["output"]["executionResult"]["externalExecutionSummary"]


def test_github_shows_the_release_at_the_pushed_commit(pushed: Pushed) -> None:
    commit = pushed.commit
    release = pushed.clone.github(f"/releases/tags/v1.0.0-{commit[:7]}")
    statuses = pushed.clone.github(f"/commits/{commit}/statuses")

    assert release["target_commitish"] == commit
    until(
        "the commit's mark",
        lambda: "success" in {status["state"] for status in pushed.clone.github(f"/commits/{commit}/statuses")},
    )
    assert {status["context"] for status in statuses} == {"slipway/allthrive-main"}


@contextmanager
def broken(clone: Clone, path: Path, more: str) -> Iterator[str]:
    """Appends text to a file, pushes, and yields the run. Restores the file afterwards, without waiting for the run."""
    intact = path.read_text()
    path.write_text(intact + more)
    try:
        yield clone.push(f"Break {path.name}")[0]
    finally:
        path.write_text(intact)
        clone.allthrive.client("codepipeline").stop_pipeline_execution(
            pipelineName=PIPELINE, pipelineExecutionId=clone.push("As it was")[0], abandon=True
        )


def images(clone: Clone) -> dict[str, list[str]]:
    """Returns the tags of each image in the repository that releases come from, by digest."""
    found = clone.allthrive.client("ecr").describe_images(repositoryName="allthrive/backend")["imageDetails"]
    return {image["imageDigest"]: sorted(image.get("imageTags", [])) for image in found}


def _is_reported(clone: Clone, run: str) -> bool:
    """True if the only open issue names the run, in its text or in a comment."""
    (issue,) = clone.github("/issues?state=open") or [None]
    if issue is None:
        return False
    assert issue["title"].endswith("failed in allthrive-main")
    comments = clone.github(f"/issues/{issue['number']}/comments")
    return any(run in comment["body"] for comment in (issue, *comments))


def test_a_failing_test_publishes_and_deploys_nothing_and_opens_one_issue(pushed: Pushed) -> None:
    clone, production = pushed.clone, pushed.clone.allthrive.urls["production"]
    before, released = status(production)["version"], images(clone)
    test = clone.folder / "frontend" / "src" / "api.test.ts"

    with broken(clone, test, '\nit("fails", () => expect(1).toBe(2));\n') as run:
        actions = clone.ended(run)

        assert actions["Test/Frontend"]["status"] == "Failed"
        assert {name.partition("/")[0] for name in actions} == {"Source", "Test"}
        assert actions["Test/BuildBackend"]["status"] == "Succeeded"
        assert images(clone) == released
        assert status(production)["version"] == before
        until("the issue", lambda: _is_reported(clone, run))


def test_an_image_that_never_becomes_healthy_is_rolled_back_and_explained(pushed: Pushed) -> None:
    clone, allthrive = pushed.clone, pushed.clone.allthrive
    before = {name: status(url)["image_digest"] for name, url in allthrive.urls.items()}
    dockerfile = clone.folder / "backend" / "Dockerfile.prod"

    with broken(clone, dockerfile, 'CMD ["python", "-c", "raise SystemExit(3)"]\n') as run:
        actions = clone.ended(run)
        rollback = until("the rollback of the stage", lambda: _rollback_of(allthrive), 300)
        clone.ended(rollback)
        followed = allthrive.shell(f"{sys.executable} -m slipway_cli follow main --run {run[:8]}")

    assert actions["Staging/Deploy"]["status"] == "Failed"
    assert not {name for name in actions if name.startswith(("E2E", "Production"))}
    assert {name: status(url)["image_digest"] for name, url in allthrive.urls.items()} == before
    stack = allthrive.client("cloudformation").describe_stacks(StackName="staging-allthrive-services")["Stacks"][0]
    assert stack["StackStatus"] in {"UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE"}
    services = allthrive.client("ecs").describe_services(
        cluster="staging-allthrive-cluster", services=[f"staging-allthrive-{name}" for name in ("web", "celery")]
    )["services"]
    assert [service["runningCount"] == service["desiredCount"] > 0 for service in services] == [True, True]
    assert followed.returncode == 1
    assert "Staging/Deploy failed" in followed.stderr
    assert "circuit breaker" in followed.stderr


def _rollback_of(allthrive: AllThrive) -> str | None:
    listed = allthrive.client("codepipeline").list_pipeline_executions(pipelineName=PIPELINE)
    return next(
        (
            summary["pipelineExecutionId"]
            for summary in listed["pipelineExecutionSummaries"]
            if summary.get("executionType") == "ROLLBACK"
        ),
        None,
    )
