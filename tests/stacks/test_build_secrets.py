"""Builds get the variables and secrets that the manifest names, and may read no other secret."""

from __future__ import annotations

import json

import pytest

from tests.support.synthesis import Json, listed, statements, synthesis

STACK = "tooling-allthrive-delivery"
CHANGES = {
    "frontend.secrets": {"NPM_TOKEN": {"name": "allthrive/npm", "key": "token"}},
    "frontend.variables": {"VITE_API_URL": "/api", "VITE_TITLE": "All Thrive"},
    "pipeline.checks.backend.secrets": {"PIP_INDEX_URL": {"name": "allthrive/pypi"}},
}


@pytest.fixture(scope="module")
def template() -> Json:
    return synthesis(CHANGES, tooling=True)[STACK]


def variables(template: Json, project: str) -> dict[str, tuple[str, str]]:
    """Returns type and value of each environment variable of a project."""
    (found,) = [
        resource
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::CodeBuild::Project" and name[:-8] == project
    ]
    given = found["Properties"]["Environment"]["EnvironmentVariables"]
    return {entry["Name"]: (entry["Type"], entry["Value"]) for entry in given}


def readers(template: Json) -> dict[str, set[str]]:
    """Returns the secrets that each role of a build may read."""
    found: dict[str, set[str]] = {}
    for logical_id, statement in statements(template):
        if statement.get("Sid") == "ReadSecrets":
            names = {json.dumps(arn).rpartition(":secret:")[2].rstrip('"}]') for arn in listed(statement["Resource"])}
            found[logical_id.partition("Role")[0]] = names
    return found


def test_a_check_gets_its_secret_by_reference_and_passes_only_the_name_to_its_install(template: Json) -> None:
    found = variables(template, "PullRequestTestBackend")
    assert found["PIP_INDEX_URL"] == ("SECRETS_MANAGER", "allthrive/pypi")
    assert found["SECRETS"] == ("PLAINTEXT", "PIP_INDEX_URL")


def test_the_bundle_gets_its_secret_and_its_variables_one_per_line(template: Json) -> None:
    found = variables(template, "MainTestBundle")
    assert found["NPM_TOKEN"] == ("SECRETS_MANAGER", "allthrive/npm:token")
    assert found["SECRETS"] == ("PLAINTEXT", "NPM_TOKEN")
    assert found["BUILD_VARIABLES"] == ("PLAINTEXT", "VITE_API_URL=/api\nVITE_TITLE=All Thrive\n")


@pytest.mark.parametrize("project", ["PullRequestTestFrontend", "PullRequestTestBrowser"])
def test_a_check_that_builds_the_frontend_gets_its_variables_too(template: Json, project: str) -> None:
    assert variables(template, project)["BUILD_VARIABLES"][1].startswith("VITE_API_URL=/api\n")


def test_a_build_may_read_only_its_own_secrets(template: Json) -> None:
    found = readers(template)
    assert {name for name in found if name.endswith("TestBackend")} == {
        "PullRequestTestBackend",
        "FeatureTestBackend",
        "MainTestBackend",
    }
    assert all(names == {"allthrive/pypi-??????"} for name, names in found.items() if name.endswith("TestBackend"))
    assert all(names == {"allthrive/npm-??????"} for name, names in found.items() if name.endswith("Bundle"))
    assert set(found) == {name for name in found if name.endswith(("TestBackend", "Bundle"))}
