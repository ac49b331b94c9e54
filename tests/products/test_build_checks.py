"""Variables and secrets of builds: what cannot work, or would be public, is refused with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support.manifests import complaints, manifest, product


def problems(tmp_path: Path, key: str, value: object) -> str:
    """Returns the loader's messages on a manifest with a value set at a dotted path."""
    return "\n".join(complaints(tmp_path, yaml.safe_dump(manifest({key: value}))))


def test_a_build_of_the_frontend_has_variables_and_secrets() -> None:
    frontend = product(
        {"frontend.variables": {"VITE_API_URL": "/api"}, "frontend.secrets": {"NPM_TOKEN": {"name": "allthrive/npm"}}}
    ).frontend
    assert frontend
    assert frontend.variables == {"VITE_API_URL": "/api"}
    assert frontend.secrets["NPM_TOKEN"].name == "allthrive/npm"


@pytest.mark.parametrize("value", ["${site.url}/api", "${environment}", "https://${site.domain}", "${region}"])
def test_a_value_that_differs_between_environments_is_refused(tmp_path: Path, value: str) -> None:
    found = problems(tmp_path, "frontend.variables", {"VITE_API_URL": value})
    assert "the bundle is built once, and all environments get the same files" in found
    assert "let pages use relative URLs (/api/…)" in found


def test_a_frontend_of_one_environment_is_refused_with_the_reason(tmp_path: Path) -> None:
    found = problems(tmp_path, "environments.staging.frontend", {"variables": {"VITE_API_URL": "/api"}})
    assert "all environments get the same files, built once; write frontend at the top of the manifest" in found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VITE_STRIPE_SECRET", "x"),
        ("NEXT_PUBLIC_API_TOKEN", "x"),
        ("REACT_APP_DATABASE", "postgres://shop:hunter22@db.example.com/shop"),
        ("VITE_GITHUB", "ghp_" + "a1" * 18),
    ],
)
def test_a_secret_that_would_be_public_is_refused(tmp_path: Path, name: str, value: str) -> None:
    found = problems(tmp_path, "frontend.variables", {name: value})
    assert f"frontend.variables.{name}: this looks like" in found
    assert "every visitor can read what is built into the pages" in found
    assert "hunter22" not in found


def test_a_key_that_is_meant_for_visitors_may_be_public(tmp_path: Path) -> None:
    value = "AIza" + "Sy0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6"[:35]
    assert "write VITE_ACCESS_KEY: {public: …}" in problems(tmp_path, "frontend.variables", {"VITE_ACCESS_KEY": value})
    assert problems(tmp_path, "frontend.variables", {"VITE_ACCESS_KEY": {"public": value}}) == ""
    github = {"VITE_KEY": {"public": "ghp_" + "a1" * 18}}
    assert "frontend.variables.VITE_KEY: this looks like a GitHub token" in problems(
        tmp_path, "frontend.variables", github
    )


def test_a_secret_among_a_checks_variables_is_refused(tmp_path: Path) -> None:
    given = {"DIRECTORY": "backend", "VARIABLES": "INDEX=https://user:hunter22@pypi.example.com/simple"}
    found = problems(tmp_path, "pipeline.checks.backend.variables", given)
    assert "put the value into Secrets Manager and write its name under pipeline.checks.backend.secrets" in found


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "frontend.secrets",
            {"npm-token": {"name": "a"}},
            "frontend.secrets.npm-token: not a variable's name",
        ),
        ("frontend.variables", {"1X": "a"}, "frontend.variables.1X: not a variable's name"),
        ("pipeline.checks.seo.secrets", {"TOKEN": {"name": "a"}}, "the build seo installs nothing, so it needs none"),
        (
            "pipeline.checks.backend.secrets",
            {"DIRECTORY": {"name": "a"}},
            "is also defined under variables; remove one",
        ),
    ],
)
def test_secrets_that_a_build_cannot_have_are_refused(tmp_path: Path, key: str, value: object, message: str) -> None:
    assert message in problems(tmp_path, key, value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"other": {"name": "demo/candidates"}}, "candidate_secrets.other: not under build_secrets"),
        ({"npm_token": {"name": "demo/npm"}}, "candidate_secrets.npm_token: the same secret as in build_secrets"),
    ],
)
def test_a_secret_of_pull_requests_must_replace_one_and_differ_from_it(
    tmp_path: Path, given: dict[str, object], message: str
) -> None:
    backend = {**manifest()["images"]["backend"], "build_secrets": {"npm_token": {"name": "demo/npm"}}}

    found = problems(tmp_path, "images.backend", {**backend, "candidate_secrets": given})

    assert f"images.backend.{message}" in found
