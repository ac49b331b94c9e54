"""A manifest's section `hosts` decides the files of hosts; mistakes are answered with the correct form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from products import flows, host_files
from products.base import ExistingSecret
from products.environment_steps import HOST_MINUTES
from products.flows import Kind
from tests.support.manifests import complaints
from tests.support.manifests import product as on_fargate
from tests.support.on_hosts import COMPOSE, CONTAINERS, REMOVED, compose, containers, data


def texts(file: host_files.Variables) -> dict[str, str]:
    return {name: value.name if isinstance(value, ExistingSecret) else str(value) for name, value in file.items()}


def test_the_root_file_has_images_registry_owner_variables_and_secrets() -> None:
    assert texts(host_files.files(compose(), "production")[".env"]) == {
        "BACKEND_IMAGE": "${images.backend}",
        "WEB_SITE_IMAGE": "${images.web-site}",
        "CONTAINER_REGISTRY": "${registry}",
        "REPOSITORY_OWNER": "shop-org",
        "LOG_LEVEL": "WARNING",
        "DB_PASSWORD": "${generated.db_password}",
        "API_URL": "https://${site.domain}/api",
        "MAIL_KEY": "shop/mail",
    }


def test_the_manifest_replaces_the_default_variables_of_compose_files() -> None:
    changed = compose({"compose/env/BACKEND_IMAGE": "${registry}/own"})

    assert str(host_files.files(changed, "staging")[".env"]["BACKEND_IMAGE"]) == "${registry}/own"


def test_files_are_named_after_the_environment() -> None:
    files = host_files.files(compose(), "staging")

    assert list(files) == [".env", ".env.docker", ".env.staging"]
    assert texts(files[".env.docker"]) == {"SECRET_KEY": "${secret_key}", "STAGE": "${environment}"}


def test_a_container_gets_the_variables_of_a_service_and_knows_its_own_image() -> None:
    variables = texts(host_files.files(containers(), "production")[".env.backend"])

    assert variables["COSTS"] == "$5"
    assert variables["DATABASE_URL"] == "${database.url}"
    assert variables["RELEASE_IMAGE"] == "${images.backend}"


def test_generated_secrets_are_named_once() -> None:
    assert host_files.generated(compose({"compose/env_files/.env.docker/AGAIN": "${generated.db_password}"})) == [
        "db_password"
    ]


def test_the_load_balancer_is_answered_by_the_proxy() -> None:
    assert host_files.entrance(compose()) == host_files.Entrance("proxy", 80, None)
    assert host_files.entrance(containers()) == host_files.Entrance("frontend", 80, "/health")


def test_the_only_container_with_ports_needs_no_proxy() -> None:
    only = containers({"containers/backend/ports": REMOVED, "containers/frontend/proxy": REMOVED})

    assert host_files.entrance(only).service == "frontend"


def test_static_paths_are_tried_before_every_other_path() -> None:
    changed = compose({"compose/proxy/static_paths": ["/a/*", "/a/b/*"]})

    assert host_files.entrance(changed).routes() == [("/a/b/*", True), ("/a/*", True), ("/*", False)]


def test_a_migration_runs_in_the_service_of_its_image_or_in_the_given_one() -> None:
    assert host_files.migration_service(compose()) == "backend"
    assert host_files.migration_service(compose({"migration/service": "worker"})) == "worker"
    assert host_files.migration_service(containers()) == "backend"


def test_a_container_is_named_after_environment_product_and_key() -> None:
    assert host_files.container_name(containers(), "production", "backend") == "production-times-backend"
    assert host_files.container_name(containers(), "production", "frontend") == "site"


def stage(name: str, **changes: Any) -> flows.Stage:
    (main,) = [flow for flow in flows.deliveries(compose(changes)) if flow.flow_name == "main"]
    found = main.stage(name)
    assert found
    return found


def test_compose_files_are_collected_beside_the_images() -> None:
    assert [(action.name, action.run_order) for action in stage("Publish").actions if action.kind is Kind.COMPOSE] == [
        ("Compose", 1)
    ]


def test_hosts_are_migrated_deployed_and_verified_and_pulling_images_is_no_time_of_the_migration() -> None:
    assert [(action.name, action.kind, action.minutes) for action in stage("Staging").actions] == [
        ("Migrate", Kind.MIGRATE_ON_HOST, 3 + HOST_MINUTES),
        ("Deploy", Kind.DEPLOY_TO_HOSTS, 55 - HOST_MINUTES),
        ("Verify", Kind.VERIFY_HOSTS, 2),
    ]


def test_a_migration_after_the_deployment_follows_it() -> None:
    names = [action.name for action in stage("Staging", **{"migration/when": "after_deploy"}).actions]

    assert names == ["Deploy", "Migrate", "Verify"]


MISTAKES: dict[str, tuple[str, dict[str, Any], str]] = {
    "nothing to run": (
        COMPOSE,
        {"compose": REMOVED},
        "environments.staging.target: got hosts, and the product has nothing that runs there; write compose: {",
    ),
    "no service": (
        COMPOSE,
        {"environments/production/target": "fargate", "environments/production/hosts": REMOVED},
        "services: missing; production has target fargate, which runs them: write a service",
    ),
    "service without fargate": (
        COMPOSE,
        {"services": {"web": {"image": "backend", "port": 80, "paths": ["/*"]}}},
        "services: every environment has target hosts, which runs compose or containers; remove services",
    ),
    "both": (
        COMPOSE,
        {"containers": {"a": {"image": "backend", "ports": ["1:1"]}}},
        "containers: the manifest also has",
    ),
    "hosts on fargate": (
        COMPOSE,
        {
            "environments/production/target": "fargate",
            "services": {"web": {"image": "backend", "port": 80, "paths": ["/*"]}},
        },
        "environments.production.hosts: it has no hosts; write target: hosts",
    ),
    "no proxy": (COMPOSE, {"compose/proxy": REMOVED}, "compose.proxy: missing"),
    "absolute file": (
        COMPOSE,
        {"compose/files": ["/etc/passwd"]},
        "compose.files.0: got '/etc/passwd', an absolute path; write it relative to the repository's folder",
    ),
    "escaping file": (COMPOSE, {"compose/include": ["a/../../b"]}, "compose.include.0: got 'a/../../b', which leaves"),
    "other variable": (
        COMPOSE,
        {"compose/files": ["a.${region}.yml"]},
        "compose.files.0: got 'a.${region}.yml'; only ${environment} may be used in the name of a file",
    ),
    "file twice": (COMPOSE, {"compose/files": ["a.yml", "a.yml"]}, "compose.files: 'a.yml' is listed twice"),
    "root file": (COMPOSE, {"compose/env_files/.env": {"A": "1"}}, "compose.env_files..env: write these variables"),
    "escaping env file": (COMPOSE, {"compose/env_files/..\\u002f": {}}, "compose.env_files"),
    "unknown image in a value": (
        COMPOSE,
        {"compose/env/X": "${images.backed}"},
        "compose.env.X: no image 'backed' under images; did you mean 'backend'?",
    ),
    "unknown reference": (COMPOSE, {"compose/env/X": "${release.versoin}"}, "did you mean ${release.version}?"),
    "name of a family": (
        COMPOSE,
        {"compose/env/X": "${images.Back_End}"},
        "unknown reference ${images.Back_End}; write ${images.NAME}, with a name of small letters",
    ),
    "own image of compose": (
        COMPOSE,
        {"compose/env/X": "${release.image}"},
        "compose.env.X: a host runs several images; write which, e.g. ${images.backend}",
    ),
    "own image of the product": (COMPOSE, {"variables/X": "${release.image}"}, "variables: X of .env contains"),
    "reference of hosts elsewhere": (
        COMPOSE,
        {"variables/X": "${generated.x}"},
        "variables.X: ${generated.x} is known on hosts only; write it under compose or containers, or remove it",
    ),
    "reference outside of variables": (
        COMPOSE,
        {"migration/command": ["echo", "${images.backend}"]},
        "migration.command.1: ${images.backend} is not resolved here",
    ),
    "pasted secret": (
        COMPOSE,
        {"compose/env/DB_PASSWORD": "hunter2hunter2"},
        "compose.env.DB_PASSWORD: this looks like a secret, by its name",
    ),
    "no database": (COMPOSE, {"compose/env/X": "${database.url}"}, "compose.env.X: the product has no database"),
    "frontend": (COMPOSE, {"frontend": {"directory": "web"}}, "frontend: staging has target hosts"),
    "schedule": (
        COMPOSE,
        {"schedules": {"nightly": {"image": "backend", "command": ["x"], "rate": "1 hour"}}},
        "schedules.nightly: staging has target hosts, where nothing starts schedules; remove it, and run a scheduler",
    ),
    "no internet": (
        COMPOSE,
        {"environments/staging/network": {"nat": "none"}},
        "environments.staging.network.nat: got none, and hosts install Docker",
    ),
    "no domain": (
        COMPOSE,
        {"environments/staging/edge": REMOVED},
        "environments.staging.edge.domain: missing; API_URL of .env contains the site's name",
    ),
    "wrong processor": (
        COMPOSE,
        {"environments/staging/hosts/instance": "t3.small"},
        "environments.staging.hosts.instance: got t3.small, which is x86_64, and images are built for arm64",
    ),
    "data on two hosts": (
        COMPOSE,
        {"environments/staging/hosts/count": 2},
        "environments.staging.hosts.data_disk_gb: 2 hosts would have as many disks, each with other data",
    ),
    "variables of the migration": (COMPOSE, {"migration/variables": {"A": "1"}}, "migration.variables: on hosts"),
    "rotation": (
        CONTAINERS,
        {"environments/production/database": {"rotate_password_days": 30}},
        "environments.production.database.rotate_password_days: a rotation restarts services on Fargate only",
    ),
    "port twice": (
        CONTAINERS,
        {"containers/backend/ports": ["80:8000"]},
        "containers.frontend.ports.0: port 80 of the host is already taken by 'backend'; choose another",
    ),
    "port out of range": (
        CONTAINERS,
        {"containers/backend/ports": ["70000:1"]},
        "containers.backend.ports.0: got '70000:1'",
    ),
    "unknown image": (
        CONTAINERS,
        {"containers/backend/image": "backed"},
        "containers.backend.image: no image 'backed' under images; did you mean 'backend'?",
    ),
    "two proxies": (
        CONTAINERS,
        {"containers/frontend/proxy": REMOVED},
        "containers.backend.proxy: backend, frontend could answer the load balancer; write proxy: true for one of them",
    ),
    "proxy without ports": (CONTAINERS, {"containers/frontend/ports": []}, "containers.frontend.ports: missing"),
    "no ports": (
        CONTAINERS,
        {"containers": {"backend": {"image": "backend"}}},
        "containers.backend.ports: missing; one container must answer the load balancer",
    ),
    "path of the host": (
        CONTAINERS,
        {"containers/backend/volumes": ["/srv:/app"]},
        "containers.backend.volumes.0: got '/srv:/app', a path of the host; write a name instead of the path",
    ),
    "same name": (CONTAINERS, {"containers/backend/name": "site"}, "containers.frontend.name: 'site' is also the name"),
    "password file without database": (
        CONTAINERS,
        {"database": REMOVED, "environments/production/profile": "standard"},
        "containers.backend.pgpass: the product has no database",
    ),
    "unknown container for the migration": (
        CONTAINERS,
        {"migration/service": "bakend"},
        "migration.service: got 'bakend', which is no container; did you mean 'backend'?",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_with_its_key_and_with_what_to_write(mistake: str, tmp_path: Path) -> None:
    text, changes, message = MISTAKES[mistake]
    changed = data(text, changes)

    found = complaints(tmp_path, yaml.safe_dump(changed, sort_keys=False), changed["name"])

    assert any(message in complaint for complaint in found), found
    assert all(complaint.startswith(f"{changed['name']}.yaml:") for complaint in found)


def test_a_mistake_in_a_file_with_a_dot_in_its_name_has_its_own_line(tmp_path: Path) -> None:
    text = COMPOSE.replace('STAGE: "${environment}"}', 'STAGE: "${enviroment}"}')

    (found,) = complaints(tmp_path, text, "shop")

    line = text.splitlines().index(next(line for line in text.splitlines() if "enviroment}" in line)) + 1
    assert found.startswith(f"shop.yaml:{line}: compose.env_files..env.docker.STAGE: unknown reference")


def test_services_need_no_service_of_the_migration() -> None:
    with pytest.raises(ValueError, match=r"migration.service: no environment has target hosts"):
        on_fargate({"migration.service": "web"})
