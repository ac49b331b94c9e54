"""The environment variables of containers: plain values and secrets, as the manifest's references say."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.synthesis import Json, Synthesis, listed, statements, synthesis, walk

STACK = "production-allthrive-services"
CONTAINERS = ["web", "celery", "celery-beat", "migrate"]
SECRETS = ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "REDIS_AUTH_TOKEN"]
DOMAIN = {"name": "shop.example.com", "hosted_zone_id": "Z0123456789ABC"}


@pytest.fixture(scope="module")
def production() -> Synthesis:
    return synthesis()


def container(app: Synthesis, name: str) -> Json:
    family = f"production-allthrive-{name}"
    task = app.resource("AWS::ECS::TaskDefinition", STACK, lambda properties: properties["Family"] == family)
    (only,) = task["ContainerDefinitions"]
    return dict(only)


def variables(app: Synthesis, name: str = "web") -> dict[str, Any]:
    return {variable["Name"]: variable["Value"] for variable in container(app, name)["Environment"]}


def secrets(app: Synthesis, name: str = "web") -> dict[str, Any]:
    return {secret["Name"]: secret["ValueFrom"] for secret in container(app, name)["Secrets"]}


def composed(app: Synthesis) -> dict[str, Json]:
    """The properties of the composed secrets, by logical id."""
    return {
        place.partition("/")[2]: secret["Properties"]
        for place, secret in app.resources("AWS::SecretsManager::Secret", STACK).items()
    }


def text(value: Any) -> str:
    """A value with one word for each reference of CloudFormation."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        return "".join(text(part) for part in value["Fn::Join"][1])
    name = str(value.get("Ref") or value["Fn::ImportValue"])
    known = ("DatabaseUsersCredentials", "DatabaseUrl", "CacheToken", "SecretKey", "CacheGroup", "Media", "Address")
    return f"<{next((word for word in known if word in name), name)}>"


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_receives_the_documented_secrets_and_no_other(production: Synthesis, name: str) -> None:
    assert sorted(secrets(production, name)) == sorted(SECRETS)


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_value_that_a_secret_has_already_costs_no_other_secret(production: Synthesis, name: str) -> None:
    found = {variable: text(source) for variable, source in secrets(production, name).items()}

    assert found["SECRET_KEY"] == "<SecretKey>"
    assert found["DATABASE_URL"] == "<DatabaseUrl>"
    assert found["REDIS_AUTH_TOKEN"] == "<CacheToken>"
    assert len(composed(production)) == 1


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_receives_the_documented_values(production: Synthesis, name: str) -> None:
    found = variables(production, name)

    assert "CacheGroup" in found["REDIS_HOST"]["Fn::ImportValue"]
    assert "PrimaryEndPointAddress" in found["REDIS_HOST"]["Fn::ImportValue"]
    assert (found["REDIS_PORT"], found["REDIS_TLS"]) == ("6379", "true")
    assert "Media" in found["AWS_STORAGE_BUCKET_NAME"]["Fn::ImportValue"]
    assert found["RELEASE_VERSION"] == {"Ref": "ReleaseVersion"}
    assert found["RELEASE_IMAGE"] == container(production, name)["Image"]


@pytest.mark.parametrize("name", CONTAINERS)
def test_no_secret_is_also_a_plain_value(production: Synthesis, name: str) -> None:
    assert not set(SECRETS) & set(variables(production, name))


def test_the_caches_url_is_composed_of_references_to_its_token(production: Synthesis) -> None:
    ((logical_id, secret),) = composed(production).items()

    assert text(secret["SecretString"]) == (
        "rediss://:{{resolve:secretsmanager:<CacheToken>:SecretString:::}}@<CacheGroup>:6379"
    )
    assert {text(secrets(production, name)["REDIS_URL"]) for name in CONTAINERS} == {f"<{logical_id}>"}


def test_the_manifests_variables_reach_the_containers() -> None:
    changed = synthesis({"variables": {"A": "1", "B": "1"}, "environments.production.variables": {"B": "2"}})

    assert {key: value for key, value in variables(changed, "celery").items() if key in "AB"} == {"A": "1", "B": "2"}


def test_a_services_own_variables_reach_only_its_container() -> None:
    changed = synthesis({"services.web.variables": {"QUEUE": "$${x}"}, "migration.variables": {"STEP": "1"}})

    assert variables(changed, "web")["QUEUE"] == "${x}"
    assert [name for name in CONTAINERS if "QUEUE" in variables(changed, name)] == ["web"]
    assert [name for name in CONTAINERS if "STEP" in variables(changed, name)] == ["migrate"]


# What cookiecutter-django's production settings and entry point read: docs/manifest.md.
COOKIECUTTER = {
    "DJANGO_SECRET_KEY": ("${secret_key}", "<SecretKey>"),
    "POSTGRES_HOST": ("${database.host}", "<Address>"),
    "POSTGRES_PORT": ("${database.port}", "5432"),
    "POSTGRES_DB": ("${database.name}", "allthrive"),
    "POSTGRES_USER": ("${database.user}", "<DatabaseUsersCredentials>:username::"),
    "POSTGRES_PASSWORD": ("${database.password}", "<DatabaseUsersCredentials>:password::"),
    "DJANGO_AWS_STORAGE_BUCKET_NAME": ("${media.bucket}", "<Media>"),
    "STAGE": ("${environment} in ${region}", "production in us-east-1"),
}


@pytest.fixture(scope="module")
def cookiecutter() -> Synthesis:
    values = {name: value for name, (value, _) in COOKIECUTTER.items()}
    values |= {
        "CELERY_BROKER_URL": "${cache.url}/1",
        "CELERY_RESULT_BACKEND": "${cache.url}/1",
        "CACHE_URL": "${cache.url}",
    }
    return synthesis({"default_variables": False, "variables": values})


@pytest.mark.parametrize(("name", "expected"), [(name, expected) for name, (_, expected) in COOKIECUTTER.items()])
def test_an_app_that_reads_other_names_gets_them(cookiecutter: Synthesis, name: str, expected: str) -> None:
    found = {**variables(cookiecutter), **secrets(cookiecutter)}

    assert text(found[name]) == expected


def test_without_the_default_variables_a_container_gets_only_its_own(cookiecutter: Synthesis) -> None:
    found = {**variables(cookiecutter), **secrets(cookiecutter)}

    assert set(found) == {*COOKIECUTTER, "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "CACHE_URL"}


def test_variables_with_the_same_value_share_a_secret_that_names_them(cookiecutter: Synthesis) -> None:
    found = secrets(cookiecutter)

    assert found["CELERY_BROKER_URL"] == found["CELERY_RESULT_BACKEND"] != found["CACHE_URL"]
    assert sorted(secret["Description"] for secret in composed(cookiecutter).values()) == [
        "CACHE_URL of the containers",
        "CELERY_BROKER_URL, CELERY_RESULT_BACKEND of the containers",
    ]


def test_a_composed_secrets_id_depends_on_its_value_alone() -> None:
    first = synthesis({"variables": {"A": "${cache.url}/1"}})
    second = synthesis({"services.celery.variables": {"B": "${cache.url}/1"}, "variables": {"C": "${cache.url}/2"}})

    assert secrets(first)["A"] == secrets(second, "celery")["B"] != secrets(second)["C"]


def test_an_execution_role_reads_only_the_secrets_of_its_own_container() -> None:
    changed = synthesis({"services.celery.variables": {"BROKER": "${cache.url}/1"}})
    ((logical_id,),) = [[value["Ref"] for key, value in secrets(changed, "celery").items() if key == "BROKER"]]
    readers = [
        place
        for place, statement in statements(changed[STACK])
        if {"Ref": logical_id} in listed(statement.get("Resource")) and "Execution" in place
    ]

    assert [place.partition("Task")[0] for place in readers] == ["Celery"]


def test_an_existing_secret_reaches_the_containers_by_name_and_key() -> None:
    changed = synthesis({"secrets": {"OPENAI_API_KEY": {"name": "allthrive/openai", "key": "token"}}})

    assert secrets(changed)["OPENAI_API_KEY"] == (
        "arn:aws:secretsmanager:us-east-1:111122223333:secret:allthrive/openai:token::"
    )


HOSTS = {"DJANGO_ALLOWED_HOSTS": ".example.com,${site.domain}", "ORIGIN": "${site.url}"}


def test_the_domain_in_the_manifest_is_a_plain_text() -> None:
    changed = synthesis({"variables": HOSTS, "environments.production.edge": {"domain": DOMAIN}})

    assert variables(changed)["DJANGO_ALLOWED_HOSTS"] == ".example.com,shop.example.com"
    assert variables(changed)["ORIGIN"] == "https://shop.example.com"
    assert "SiteDomain" not in changed[STACK]["Parameters"]


def test_without_a_domain_releases_pass_cloudfronts_name() -> None:
    changed = synthesis({"variables": HOSTS})

    assert text(variables(changed)["DJANGO_ALLOWED_HOSTS"]) == ".example.com,<SiteDomain>"
    assert text(variables(changed)["ORIGIN"]) == "https://<SiteDomain>"
    assert changed[STACK]["Parameters"]["SiteDomain"]["Default"] == "unreleased"


def test_a_name_that_is_passed_by_hand_is_a_name_and_no_address() -> None:
    parameter = synthesis({"variables": HOSTS})[STACK]["Parameters"]["SiteDomain"]

    accepted = re.compile(parameter["AllowedPattern"]).match
    assert all(map(accepted, ("d1.cloudfront.net", parameter["Default"])))
    assert not any(map(accepted, ("https://d1.cloudfront.net", "d1.cloudfront.net/", "", "a b")))


def test_a_running_release_without_the_sites_name_is_refused_with_what_to_type() -> None:
    rule = synthesis({"variables": HOSTS})[STACK]["Rules"]["SiteDomainIsKnown"]
    (assertion,) = rule["Assertions"]

    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "ReleaseVersion"}, "unreleased"]}]}
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "SiteDomain"}, "unreleased"]}]}
    assert "--parameters production-allthrive-services:SiteDomain=" in assertion["AssertDescription"]


def test_no_release_passes_a_name_that_no_container_needs(production: Synthesis) -> None:
    assert "SiteDomain" not in production[STACK]["Parameters"]
    assert not [name for name in production[STACK].get("Rules", {}) if name.startswith("Site")]


@pytest.mark.parametrize(("values", "reads"), [(HOSTS, True), ({}, False)])
def test_the_deploying_role_reads_edges_outputs_only_to_pass_the_name(values: dict[str, str], reads: bool) -> None:
    changed = synthesis({"variables": values}, tooling=True)
    deploying = [
        statement
        for place, statement in statements(changed["production-allthrive-access"])
        if place.startswith("Deploy") and statement.get("Sid") == "SeeStack"
    ]
    settings = [
        str(function["Properties"]["Environment"])
        for place, function in changed.resources("AWS::Lambda::Function").items()
        if "ProductionDeploy" in place
    ]

    assert bool(deploying) is reads
    assert ["DistributionDomainName" in setting for setting in settings] == [reads]


def test_no_template_contains_the_value_of_a_secret(cookiecutter: Synthesis) -> None:
    values = [
        json.dumps(value)
        for template in cookiecutter.templates.values()
        for path, value in walk(template)
        if path[-1:] == ("SecretString",)
    ]

    assert len(values) == 3
    assert [value for value in values if "{{resolve:secretsmanager:" not in value] == []
