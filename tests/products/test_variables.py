"""The environment variables of containers, as a manifest sets them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from products.errors import ProblemsError
from products.values import parse
from products.variable_checks import missing_parts
from products.variables import MIGRATION, PARTS, containers, default_variables, site_is_released
from tests.support.manifests import complaints, edited, product

SETTINGS = "  DJANGO_SETTINGS_MODULE: config.settings"
DOMAIN = {"name": "shop.example.com", "hosted_zone_id": "Z0123456789ABC"}


def variables(changes: Mapping[str, object], container: str = "web", environment: str = "staging") -> dict[str, str]:
    found = containers(product(changes), environment)[container]
    return {name: str(value) for name, value in found.items()}


def test_an_environments_variables_replace_the_products() -> None:
    changes = {"variables": {"A": "1", "B": "1"}, "environments.staging.variables": {"B": "2"}}

    assert variables(changes).items() >= {"A": "1", "B": "2"}.items()
    assert variables(changes, environment="production").items() >= {"A": "1", "B": "1"}.items()


def test_a_services_variables_replace_the_environments_and_reach_no_other_service() -> None:
    changes = {"environments.staging.variables": {"A": "1"}, "services.web.variables": {"A": "2", "B": "2"}}

    assert variables(changes).items() >= {"A": "2", "B": "2"}.items()
    assert variables(changes, "celery")["A"] == "1"
    assert "B" not in variables(changes, "celery")


def test_the_migration_has_variables_of_its_own() -> None:
    changes = {"migration.variables": {"DATABASE_URL": "${database.url}&options=-c%20lock_timeout=5s"}}

    assert variables(changes, MIGRATION)["DATABASE_URL"].startswith("${database.url}&")
    assert variables(changes)["DATABASE_URL"] == "${database.url}"


def test_a_schedule_has_variables_of_its_own() -> None:
    schedule = {"image": "backend", "command": ["clear"], "rate": "1 hour", "variables": {"A": "2"}}

    found = variables({"variables": {"A": "1"}, "schedules": {"clear": schedule}}, "clear")

    assert found.items() >= {"A": "2", "DATABASE_URL": "${database.url}"}.items()


def test_a_manifest_may_replace_a_default_variable() -> None:
    changes = {"variables": {"REDIS_URL": "${cache.url}/3", "REDIS_TLS": "1"}}

    assert variables(changes).items() >= {"REDIS_URL": "${cache.url}/3", "REDIS_TLS": "1"}.items()


def test_a_secret_of_the_product_replaces_a_default_variable() -> None:
    assert "SECRET_KEY" not in variables({"secrets": {"SECRET_KEY": {"name": "allthrive/key"}}})


def test_the_default_variables_can_be_turned_off() -> None:
    assert variables({"default_variables": False, "variables": {"A": "${cache.url}"}}) == {"A": "${cache.url}"}


def test_a_product_has_the_default_variables_of_its_parts() -> None:
    assert set(default_variables(())) == {"SECRET_KEY", "RELEASE_VERSION", "RELEASE_IMAGE"}
    assert "DATABASE_URL" in default_variables(["database"])
    assert not [name for name in default_variables(["database", "media"]) if name.startswith("REDIS")]
    assert default_variables(PARTS)["REDIS_URL"] == "${cache.url}"


@pytest.mark.parametrize("part", PARTS)
def test_a_reference_to_a_part_that_the_product_lacks_is_refused_by_the_parts_name(part: str) -> None:
    reference = {"database": "database.url", "cache": "cache.token", "media": "media.bucket"}[part]
    section = {"database": "database: {}", "cache": "cache: {}", "media": "media: true"}[part]
    value = parse(f"${{{reference}}} ${{{reference}}} ${{secret_key}}")

    assert [*missing_parts(value, set(PARTS) - {part})] == [
        f"the product has no {part}; write {section} or remove ${{{reference}}}"
    ]
    assert [*missing_parts(value, PARTS)] == []


@pytest.mark.parametrize(
    ("place", "old", "new"),
    [
        ("variables.URL", SETTINGS, "  URL: ${REDIS_AUTH_TOKEN}"),
        (
            "environments.staging.variables.URL",
            "  staging:\n",
            "  staging:\n    variables: {URL: '${REDIS_AUTH_TOKEN}'}\n",
        ),
        (
            "services.web.variables.URL",
            "    port: 8000\n",
            "    port: 8000\n    variables: {URL: '${REDIS_AUTH_TOKEN}'}\n",
        ),
        ("migration.variables.URL", "migration:\n", "migration:\n  variables: {URL: '${REDIS_AUTH_TOKEN}'}\n"),
    ],
)
def test_a_wrong_reference_is_reported_with_its_place(tmp_path: Path, place: str, old: str, new: str) -> None:
    (message,) = complaints(tmp_path, edited((old, new)))

    assert message.endswith(f" {place}: unknown reference ${{REDIS_AUTH_TOKEN}}; did you mean ${{cache.token}}?")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (
            "    context: backend\n",
            "    context: backend\n    build_args: {A: '${database.url}'}\n",
            "images.backend.build_args.A",
        ),
        ("python, manage.py, migrate, --noinput", "python, '${database.url}'", "migration.command.1"),
        (
            "variables: {DIRECTORY: frontend}",
            "variables: {A: '${database.url}'}",
            "pipeline.checks.frontend.variables.A",
        ),
        ("health_path: /api/v1/health/", "health_path: '/${database.url}'", "services.web.health_path"),
    ],
)
def test_a_reference_outside_the_containers_variables_is_refused(
    tmp_path: Path, old: str, new: str, place: str
) -> None:
    (message,) = complaints(tmp_path, edited((old, new)))

    assert f" {place}: ${{database.url}} is not resolved here, only in the variables of the product" in message


@pytest.mark.parametrize("text", ["echo ${region}", "echo ${PORT:-8000}", "echo $${x}"])
def test_a_shells_variables_stay_text_in_a_command(text: str) -> None:
    changed = product({"services.celery.command": ["sh", "-c", text]})

    assert changed.services["celery"].command == ("sh", "-c", text)


@pytest.mark.parametrize("variable", ["RELEASE_VERSION", "RELEASE_IMAGE"])
def test_what_a_release_is_verified_by_keeps_its_reference(tmp_path: Path, variable: str) -> None:
    (message,) = complaints(tmp_path, edited((SETTINGS, f'  {variable}: "1.0"')))

    assert f"variables.{variable}: the product reports this variable" in message
    assert (
        complaints(tmp_path, edited(("variables:\n", f"default_variables: false\nvariables:\n  {variable}: '1.0'\n")))
        == []
    )


def test_a_secret_cannot_change_with_every_release(tmp_path: Path) -> None:
    (message,) = complaints(tmp_path, edited((SETTINGS, "  KEY: ${secret_key}-${release.version}")))

    assert "variables.KEY: ${release.version} changes with every release, and a secret cannot" in message


def test_a_secret_is_not_public(tmp_path: Path) -> None:
    (message,) = complaints(tmp_path, edited((SETTINGS, "  KEY: {public: '${secret_key}'}")))

    assert "variables.KEY: ${secret_key} is a secret; write the value as text, without public" in message


def test_a_public_value_may_refer_to_what_is_not_secret() -> None:
    assert variables({"variables": {"KEY": {"public": "${site.url}/a"}}})["KEY"] == "${site.url}/a"


@pytest.mark.parametrize("place", ["services.web", "migration", "environments.staging"])
def test_a_variable_that_is_also_a_secret_is_refused(tmp_path: Path, place: str) -> None:
    old = {"services.web": "  web: ", "migration": "migration:\n", "environments.staging": "  staging:\n"}[place]
    indent = "  " if place == "migration" else "    "
    text = {"services.web": "    image: backend\n    port: 8000\n"}.get(place, old)
    line = f"{indent}variables: {{A: '1'}}\n"
    (message,) = complaints(
        tmp_path, edited((text, text + line), ("variables:\n  D", "secrets: {A: {name: a/b}}\nvariables:\n  D"))
    )

    assert f" {place}.variables.A: is also defined under secrets; remove one of the two" in message


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("true", 'DEBUG: "true"'),
        ("yes", 'DEBUG: "yes"'),
        ("0644", 'DEBUG: "0644"'),
        ("1_000", 'DEBUG: "1_000"'),
        ("12:30:00", 'DEBUG: "12:30:00"'),
        ("1.50", 'DEBUG: "1.50"'),
        ("", 'DEBUG: ""'),
    ],
)
def test_a_value_without_quotes_is_answered_with_the_same_in_quotes(tmp_path: Path, written: str, instead: str) -> None:
    (message,) = complaints(tmp_path, edited((SETTINGS, f"  DEBUG: {written}")))

    assert message.endswith(f"; put it in quotes: {instead}")


@pytest.mark.parametrize(
    ("changes", "released"),
    [
        ({}, False),
        ({"variables": {"HOSTS": "${site.domain}"}}, True),
        ({"services.web.variables": {"CSRF": "${site.url}"}}, True),
        ({"migration.variables": {"HOSTS": "a,${site.domain}"}}, True),
        ({"environments.production.variables": {"HOSTS": "${site.domain}"}}, False),
        ({"variables": {"HOSTS": "${site.domain}"}, "environments.staging.edge": {"domain": DOMAIN}}, False),
    ],
)
def test_a_release_names_the_site_only_if_a_container_needs_cloudfronts_name(
    changes: Mapping[str, object], released: bool
) -> None:
    assert site_is_released(product(changes), "staging") is released


@pytest.mark.parametrize(
    "values", [[f"${{database.url}}&application_name=a{n}" for n in range(7)], ["x" * 600 + "${database.user}"]]
)
def test_more_values_than_a_rotation_can_rewrite_are_refused(values: list[str]) -> None:
    changes = {"variables": {f"URL_{n}": value for n, value in enumerate(values)}}

    with pytest.raises(
        ProblemsError, match=r"environments.production.database.rotate_password_days: a rotation rewrites"
    ):
        product(changes)
    never = product({**changes, "environments.production.database": {"instance": "db.t4g.micro"}})
    assert never.environments["production"].database is not None


def test_the_login_alone_needs_no_rewriting() -> None:
    found = product({"variables": {f"PASSWORD_{n}": "${database.password}" for n in range(20)}})

    assert len(found.variables) == 20
