"""Edenco's pipelines match Edenco's own documentation, which the tables below transcribe."""

from __future__ import annotations

import json

import pytest

from tests.conformance.reading import Deployed, events_for, host_configuration, settings
from tests.support.synthesis import shipped

# § Deployment Strategy. The document's Build is our Source and the images of Test and Publish; its E2E comes after
# staging, its production after E2E. Our addition, Release, comes after all documented stages.
STAGES = {
    "pull-request": ["Source", "Test"],
    "feature": ["Source", "Test", "Publish", "Staging", "E2E"],
    "main": ["Source", "Test", "Publish", "Staging", "E2E", "Production", "Release"],
}
# § Overview, Trigger.
TRIGGERS = {
    "pull-request": {"PullRequest": [{"Branches": {"Includes": ["main"]}, "Events": ["OPEN", "UPDATED"]}]},
    "feature": {"Push": [{"Branches": {"Includes": ["feature/**"]}}]},
    "main": {"Push": [{"Branches": {"Includes": ["main"]}}]},
}
# § Pipeline Flow: minutes of each documented stage, with our stages that it consists of.
MINUTES = {
    ("feature", ("Test", "Publish")): 45,  # Stage 1: Build and Test
    ("main", ("Test", "Publish")): 45,
    ("feature", ("Staging",)): 20,  # Stage 2: Deploy to Staging
    ("main", ("Staging",)): 20,
    ("feature", ("E2E",)): 30,  # Stage 3: E2E Testing
    ("main", ("E2E",)): 30,
    ("main", ("Production",)): 20,  # Stage 4: Deploy to Production
}
# § Test Phase: the beginning of each documented command.
COMMANDS = {
    ("Backend", "TEST_COMMAND"): ["pytest -n auto"],
    ("Backend", "LINT_COMMANDS"): ["black", "isort", "flake8"],
    ("Frontend", "LINT_COMMAND"): ["npm run lint"],
}
SETTINGS_MODULE = "config.settings.testing"
# § Concurrency Control: cancel in progress, per branch or pull request.
STOPS_OLDER = {"edenco-pull-request", "edenco-feature", "edenco-main"}
# § Publish Phase.
TAGS = ["{version}", "{version}-{sha7}", "latest", "{branch}"]
# § Publish Phase, Build production containers: the images and the stage of their Dockerfiles.
IMAGES, TARGET = ("backend", "frontend"), "production"
# § Staging/Production; § Stage 2, Prepare environment files.
COMPOSE_FILES = ["docker-compose.yml", "compose.{staging|production}.yml"]
ENV_FILES = [".env.docker", ".env.{environment}", ".env"]
# § Environment Variables, Deployment Stage.
VARIABLES = {
    "CONTAINER_REGISTRY",
    "REPOSITORY_OWNER",
    "BACKEND_IMAGE",
    "FRONTEND_IMAGE",
    "DB_PASSWORD",
    "REDIS_PASSWORD",
}
# § Stage 2, Deploy on server: wait for health checks.
HEALTHY_SECONDS = 120
# § Stage 2 and 4, Verify: the path, the number of tries, and the seconds between them.
VERIFY = ("/api/v1/status/", 12, 5)
# § Extract versions.
VERSION_FILE = "backend/config/__init__.py"


@pytest.mark.parametrize("flow", STAGES)
def test_the_stages_are_the_documented_ones_in_the_documented_order(flow: str) -> None:
    assert Deployed.of("edenco", flow).stages == STAGES[flow]


@pytest.mark.parametrize("flow", TRIGGERS)
def test_the_triggers_are_the_documented_ones(flow: str) -> None:
    assert Deployed.of("edenco", flow).trigger == TRIGGERS[flow]


@pytest.mark.parametrize(("flow", "stages"), MINUTES)
def test_a_stage_may_take_the_documented_minutes(flow: str, stages: tuple[str, ...]) -> None:
    deployed = Deployed.of("edenco", flow)

    assert sum(deployed.minutes(stage) for stage in stages) == MINUTES[flow, stages]


def test_backend_and_frontend_are_tested_and_built_in_parallel() -> None:
    tests, builds = {"Backend", "Frontend"}, {"BuildBackend", "BuildFrontend", "Compose"}

    assert Deployed.of("edenco", "main").steps("Test") == [tests | builds]


@pytest.mark.parametrize(("action", "variable"), COMMANDS)
@pytest.mark.parametrize("flow", STAGES)
def test_the_checks_run_the_documented_commands_and_no_others(flow: str, action: str, variable: str) -> None:
    ran = Deployed.of("edenco", flow).commands("Test", action, variable)

    assert len(ran) == len(COMMANDS[action, variable])
    for command, documented in zip(ran, COMMANDS[action, variable], strict=True):
        assert f"{command} ".startswith(f"{documented} ")


def test_backend_tests_measure_coverage_under_the_documented_settings() -> None:
    deployed = Deployed.of("edenco", "main")

    assert "--cov" in deployed.commands("Test", "Backend", "TEST_COMMAND")[0].split()
    assert deployed.variables("Test", "Backend")["DJANGO_SETTINGS_MODULE"] == SETTINGS_MODULE


def test_a_deployment_is_verified_last_and_as_documented() -> None:
    deployed = Deployed.of("edenco", "main")
    configured = host_configuration("edenco", "production")["verify"]

    assert deployed.steps("Staging")[-1] == deployed.steps("Production")[-1] == {"Verify"}
    assert (configured["path"], configured["tries"], configured["pause_seconds"]) == VERIFY


def test_production_is_reached_from_main_only_and_after_end_to_end_tests() -> None:
    reaching = [flow for flow in STAGES if "Production" in Deployed.of("edenco", flow).stages]
    stages = Deployed.of("edenco", "main").stages

    assert reaching == ["main"]
    assert stages.index("Staging") < stages.index("E2E") < stages.index("Production")


def test_production_runs_the_same_images_as_staging() -> None:
    main = Deployed.of("edenco", "main")
    both = [main.action(stage, "Deploy")["Configuration"]["UserParameters"] for stage in ("Staging", "Production")]

    assert both[0] == both[1]
    assert json.loads(both[0])["images"] == {
        "backend": "#{PublishBackend.IMAGE}",
        "frontend": "#{PublishFrontend.IMAGE}",
    }


@pytest.mark.parametrize("image", IMAGES)
def test_images_have_the_documented_tags_target_and_version(image: str) -> None:
    configured = Deployed.of("edenco", "main").variables("Test", f"Build{image.capitalize()}")

    assert configured["TAGS"].split() == TAGS
    assert configured["TARGET"] == TARGET
    assert configured["VERSION_FILE"] == VERSION_FILE


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_host_runs_the_documented_compose_files(environment: str) -> None:
    assert host_configuration("edenco", environment)["compose"] == [
        file.replace("{staging|production}", environment) for file in COMPOSE_FILES
    ]


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_host_gets_the_documented_files_with_the_documented_variables(environment: str) -> None:
    files = host_configuration("edenco", environment)["files"]

    assert set(files) == {file.replace("{environment}", environment) for file in ENV_FILES}
    assert {name for name, _ in files[".env"]} == VARIABLES


def test_images_on_hosts_are_those_of_the_release() -> None:
    root = dict(host_configuration("edenco", "production")["files"][".env"])

    assert (root["BACKEND_IMAGE"], root["FRONTEND_IMAGE"]) == ([{"image": "backend"}], [{"image": "frontend"}])


def test_passwords_on_hosts_are_secrets() -> None:
    root = dict(host_configuration("edenco", "production")["files"][".env"])

    for name in ("DB_PASSWORD", "REDIS_PASSWORD"):
        (part,) = root[name]
        assert set(part) == {"secret"}


def test_containers_must_be_healthy_after_the_documented_seconds() -> None:
    assert host_configuration("edenco", "staging")["wait_seconds"] == HEALTHY_SECONDS


def test_the_proxy_is_the_only_exposed_port() -> None:
    for environment in ("staging", "production"):
        rules = shipped("edenco").resources("AWS::EC2::SecurityGroupIngress", f"{environment}-edenco-network").values()
        admitted = [rule["Properties"] for rule in rules if "Application" in str(rule["Properties"]["GroupId"])]
        assert [(rule["FromPort"], rule["ToPort"]) for rule in admitted] == [(80, 80)]


def test_a_newer_push_cancels_the_older_run_of_its_branch_before_production() -> None:
    configured = settings("edenco", "CancelSuperseded")

    assert configured["protected_stages"] == ["Production", "Release"]
    (event,) = events_for("edenco", "CancelSuperseded")
    assert set(event["detail"]["pipeline"]) == STOPS_OLDER
    # For other pipelines the function reads the branch from the run.
    assert configured["branches"] == {"edenco-main": "main"}


def test_a_failure_of_any_flow_opens_an_issue_that_names_all_stages() -> None:
    configured = settings("edenco", "ReportFailure")

    assert configured["issues"] == ["edenco-pull-request", "edenco-feature", "edenco-main"]
    assert configured["each_branch"] == ["edenco-pull-request", "edenco-feature"]
    assert configured["stages"]["edenco-main"] == "Source Test Publish Staging E2E Production Release"
