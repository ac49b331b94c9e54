"""AllThrive's pipelines match AllThrive's own documentation, which the tables below transcribe."""

from __future__ import annotations

import pytest

from tests.conformance.reading import Deployed

# § Pipeline Flow: ci.yml on pull requests, deploy-aws.yml on pushes to main. Staging, its end-to-end tests and the
# approval gate are the document's Future Improvements; Release comes after all documented stages.
STAGES = {
    "pull-request": ["Source", "Test"],
    "feature": ["Source", "Test", "Publish", "Staging", "E2E"],
    "main": ["Source", "Test", "Publish", "Staging", "E2E", "Approval", "Production", "Release"],
}
# § Workflow Files, Triggers; feature branches are ours.
TRIGGERS = {
    "pull-request": {"PullRequest": [{"Branches": {"Includes": ["main"]}, "Events": ["OPEN", "UPDATED"]}]},
    "feature": {"Push": [{"Branches": {"Includes": ["feature/**"]}}]},
    "main": {"Push": [{"Branches": {"Includes": ["main"]}}]},
}
MODES = {"pull-request": "PARALLEL", "feature": "QUEUED", "main": "QUEUED"}
# § Build Backend, Build Frontend: beside the tests, after which they are published.
BUILDS = {"BuildBackend", "Bundle"}
# § CI Workflow, Jobs: the test job's parts in parallel, the E2E job depends on it. The check of migrations is ours.
TESTS = {
    "pull-request": [{"Backend", "Migrations", "Frontend", "Seo"}, {"Browser"}],
    "feature": [{"Backend", "Migrations", "Frontend", "Seo", *BUILDS}],
    "main": [{"Backend", "Migrations", "Frontend", "Seo", *BUILDS}, {"Browser"}],
}
# § CI Workflow, Steps 3 to 10: the beginning of each command; a second `ruff` and the check of migrations are ours.
COMMANDS = {
    ("Backend", "CHECK_COMMAND"): ["python manage.py check"],
    ("Backend", "LINT_COMMANDS"): ["ruff check", "ruff format", "bandit"],
    ("Backend", "TEST_COMMAND"): ["python -m coverage run manage.py test"],
    ("Backend", "SECURITY_TESTS"): ["tests/security"],
    ("Frontend", "LINT_COMMAND"): ["npm run lint"],
    ("Frontend", "TYPECHECK_COMMAND"): ["npm run typecheck"],
    ("Frontend", "TEST_COMMAND"): ["npm test"],
}
# § Deploy Workflow and § Pipeline Flow: update services and wait for stability, migrations, frontend and invalidation.
PRODUCTION = [{"Deploy"}, {"Migrate"}, {"Frontend"}, {"Invalidate", "Verify"}]
# § Build Backend: push to ECR; the scan is ours.
PUBLISH = [{"Backend", "ScanBackend"}]
TAGS = ["{sha}", "latest"]
DOCKERFILE = "Dockerfile.prod"


@pytest.mark.parametrize("flow", STAGES)
def test_the_stages_are_the_documented_ones_in_the_documented_order(flow: str) -> None:
    assert Deployed.of("allthrive", flow).stages == STAGES[flow]


@pytest.mark.parametrize("flow", TRIGGERS)
def test_the_triggers_are_the_documented_ones(flow: str) -> None:
    assert Deployed.of("allthrive", flow).trigger == TRIGGERS[flow]


@pytest.mark.parametrize("flow", MODES)
def test_pull_requests_run_in_parallel_and_pushes_in_a_queue(flow: str) -> None:
    assert Deployed.of("allthrive", flow).mode == MODES[flow]


@pytest.mark.parametrize("flow", TESTS)
def test_the_checks_are_the_documented_ones(flow: str) -> None:
    assert Deployed.of("allthrive", flow).steps("Test") == TESTS[flow]


@pytest.mark.parametrize(("action", "variable"), COMMANDS)
@pytest.mark.parametrize("flow", STAGES)
def test_the_checks_run_the_documented_commands_and_no_others(flow: str, action: str, variable: str) -> None:
    ran = Deployed.of("allthrive", flow).commands("Test", action, variable)

    assert len(ran) == len(COMMANDS[action, variable])
    for command, documented in zip(ran, COMMANDS[action, variable], strict=True):
        assert f"{command} ".startswith(f"{documented} ")


def test_images_are_published_and_scanned_after_all_tests() -> None:
    assert Deployed.of("allthrive", "main").steps("Publish") == PUBLISH


@pytest.mark.parametrize("stage", ["Staging", "Production"])
def test_services_are_stable_before_migrations_which_run_before_the_cache_is_invalidated(stage: str) -> None:
    assert Deployed.of("allthrive", "main").steps(stage) == PRODUCTION


def test_images_are_built_from_the_documented_file_with_the_documented_tags() -> None:
    variables = Deployed.of("allthrive", "main").variables("Test", "BuildBackend")

    assert (variables["DOCKERFILE"], variables["TAGS"].split()) == (DOCKERFILE, TAGS)


def test_only_production_needs_an_approval() -> None:
    approvals = {
        (flow, stage["Name"])
        for flow in STAGES
        for stage in Deployed.of("allthrive", flow).properties["Stages"]
        for action in stage["Actions"]
        if action["ActionTypeId"]["Category"] == "Approval"
    }

    assert approvals == {("main", "Approval")}


@pytest.mark.parametrize("flow", STAGES)
def test_only_failed_environments_are_rolled_back(flow: str) -> None:
    deployed = Deployed.of("allthrive", flow)
    rolled = [stage for stage in deployed.stages if deployed.rolls_back(stage)]

    assert rolled == [stage for stage in deployed.stages if stage in ("Staging", "Production")]
