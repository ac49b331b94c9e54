"""After any failure on Edenco's hosts, the release before serves, and GitHub has an issue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from localcloud.testing.cloud import until
from tests.end_to_end.edenco.product import LONGEST, PIPELINE, Edenco

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow, pytest.mark.long]

# As black, isort and flake8 want it: the pipeline's checks come before the migration.
MIGRATION = """import time

from django.db import migrations


def change(apps, _editor):
    # The tests of the pipeline have an empty database, so only a deployed one has plants.
    if apps.get_model("plants", "Plant").objects.exists():
        {what}


class Migration(migrations.Migration):

    dependencies = [("plants", "0001_plant")]
    operations = [migrations.RunPython(change)]
"""
REPLACED_SECONDS = 420


@contextmanager
def changed(edenco: Edenco, file: str, content: str) -> Iterator[None]:
    """Changes a file of the clone, and restores it without a push."""
    path = edenco.clone / file
    before = path.read_text() if path.exists() else None
    path.write_text(content)
    edenco.git("add", file)
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)
        edenco.git("add", file)


def failed_in_staging(edenco: Edenco, run: str, action: str) -> dict[str, Any]:
    """Waits for a run that failed in an action of staging, and for its issue; returns the action."""
    actions = edenco.ended(run)
    failed = {name: found for name, found in actions.items() if found["status"] == "Failed"}
    assert list(failed) == [f"Staging/{action}"], {name: found["output"] for name, found in failed.items()}
    text = until("the issue", lambda: _reported(edenco, run))
    for part in (
        f"| Stage | Staging |\n| Action | {action} |",
        f"/executions/{run}",
        "| Branch | `main` |",
        f"| Commit | {edenco.git('rev-parse', 'HEAD')} `",
        "| Publish | Succeeded |\n| Staging | Failed |\n| E2E | did not start |\n| Production | did not start |",
        "| Log | [Staging/",
    ):
        assert part in text
    return failed[f"Staging/{action}"]


def _reported(edenco: Edenco, run: str) -> str:
    """Returns what the only open issue says of a run; empty if it does not mention the run yet."""
    (issue,) = edenco.github("/issues?state=open&labels=bug") or [None]
    if issue is None:
        return ""
    assert issue["title"] == f"edenco: Staging failed in {PIPELINE}"
    comments = edenco.github(f"/issues/{issue['number']}/comments")
    return next((str(text["body"]) for text in (issue, *comments) if f"slipway run {run} " in text["body"]), "")


def said(action: dict[str, Any]) -> str:
    return str(action["output"]["executionResult"]["errorDetails"]["message"])


def instance(edenco: Edenco) -> str:
    """Returns the running host of staging; empty while there is none."""
    filters = [
        {"Name": "tag:slipway:environment", "Values": ["staging"]},
        {"Name": "instance-state-name", "Values": ["running"]},
    ]
    found = edenco.client("ec2").describe_instances(Filters=filters)["Reservations"]
    return next((str(host["InstanceId"]) for reservation in found for host in reservation["Instances"]), "")


def serves(edenco: Edenco, version: str) -> bool:
    try:
        return bool(edenco.answer("staging")["version"] == version)
    except (OSError, ValueError, KeyError):
        return False


def replaced(edenco: Edenco, old: str, version: str) -> None:
    """Waits until another host than `old`, which has gone, serves a version."""

    def done() -> bool:
        found = edenco.client("ec2").describe_instances(InstanceIds=[old])["Reservations"][0]["Instances"][0]
        return found["State"]["Name"] == "terminated" and bool(instance(edenco)) and serves(edenco, version)

    until("a new host serves", done, REPLACED_SECONDS)


def test_an_image_that_does_not_start_leaves_the_release_before(edenco: Edenco) -> None:
    before = edenco.answer("staging")["version"]
    dockerfile = (edenco.clone / "backend" / "Dockerfile").read_text()

    with changed(edenco, "backend/Dockerfile", f'{dockerfile}CMD ["python", "-c", "raise SystemExit(3)"]\n'):
        action = failed_in_staging(edenco, edenco.push("Break the image"), "Deploy")

    assert f"run the release before again ({before})" in said(action)
    assert edenco.answer("staging")["version"] == before


@pytest.mark.parametrize(
    ("what", "message"),
    [
        pytest.param('raise ValueError(f"no pot at {time.time()}")', "no pot at", id="fails"),
        pytest.param("time.sleep(7200)", "did not end within 180 seconds", id="hangs"),
    ],
)
def test_a_migration_that_fails_or_hangs_leaves_the_release_before(edenco: Edenco, what: str, message: str) -> None:
    before = edenco.answer("staging")["version"]
    edenco.add_plant("staging", f"Plant of a migration that says {message}")

    with changed(edenco, "backend/plants/migrations/0002_pot.py", MIGRATION.replace("{what}", what)):
        action = failed_in_staging(edenco, edenco.push("Break a migration"), "Migrate")

    assert message in said(action)
    assert edenco.answer("staging")["version"] == before
    edenco.add_plant("staging", f"Plant after a migration that says {message}")


def deploying(edenco: Edenco, run: str) -> None:
    """Waits until the run recreates the containers of staging."""

    def begun() -> bool:
        found = edenco.actions(run)
        assert "Failed" not in {action["status"] for action in found.values()}
        commands = edenco.client("ssm").list_commands(Filters=[{"key": "Status", "value": "InProgress"}])["Commands"]
        return "Staging/Deploy" in found and bool(commands)

    until("the deployment to staging", begun, LONGEST)


def test_a_host_that_ends_during_a_release_is_replaced_and_runs_the_release_before(edenco: Edenco) -> None:
    before, old = edenco.answer("staging")["version"], instance(edenco)
    edenco.add_plant("staging", "Plant of the failed host")
    run = edenco.push("Release while a host fails")
    deploying(edenco, run)

    edenco.client("ec2").terminate_instances(InstanceIds=[old])

    failed_in_staging(edenco, run, "Deploy")
    replaced(edenco, old, before)
    assert "Plant of the failed host" in edenco.plants("staging")


def test_a_terminated_host_is_replaced_and_serves_the_same_release_with_its_data_without_a_run(edenco: Edenco) -> None:
    before, old = edenco.answer("staging"), instance(edenco)
    edenco.add_plant("staging", "Plant of the terminated host")
    runs = edenco.client("codepipeline").list_pipeline_executions(pipelineName=PIPELINE)["pipelineExecutionSummaries"]

    edenco.client("ec2").terminate_instances(InstanceIds=[old])

    until("a new host serves", lambda: instance(edenco) != old and serves(edenco, before["version"]), REPLACED_SECONDS)
    assert edenco.answer("staging") == before
    assert "Plant of the terminated host" in edenco.plants("staging")
    after = edenco.client("codepipeline").list_pipeline_executions(pipelineName=PIPELINE)["pipelineExecutionSummaries"]
    assert len(after) == len(runs)


def staged(edenco: Edenco, message: str) -> str:
    """Pushes, waits until staging runs the release, and returns its version. The next push stops the run."""
    run = edenco.push(message)

    def verified() -> bool:
        actions = edenco.actions(run)
        assert "Failed" not in {action["status"] for action in actions.values()}
        return "Staging/Verify" in actions and actions["Staging/Verify"]["status"] == "Succeeded"

    until("the release runs on staging", verified, LONGEST)
    version = f"1.4.0-{edenco.git('rev-parse', '--short=7', 'HEAD')}"
    assert serves(edenco, version)
    return version


def test_rollback_returns_staging_to_a_named_release(edenco: Edenco) -> None:
    first = staged(edenco, "The release to return to")
    second = staged(edenco, "The release to leave")

    listed = edenco.slipway("rollback", "staging", "--to", "1.4.0-absent", "--yes", code=1)
    edenco.slipway("rollback", "staging", "--to", first, "--yes")

    assert first in listed
    assert second in listed
    until("the rollback", lambda: serves(edenco, first), LONGEST)
