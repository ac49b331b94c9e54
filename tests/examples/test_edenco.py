"""The files of examples/edenco have what Edenco's documentation says of them; no Docker is needed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from tests.examples.sites import EXAMPLES

EDENCO = EXAMPLES / "edenco"
DEPLOYED = ["docker-compose.yml", "compose.staging.yml", "compose.production.yml"]
# § Service Dependencies: what each service waits for.
LAYERS: dict[str, set[str]] = {
    "db": set(),
    "redis": set(),
    "backend": {"db", "redis"},
    "frontend": {"backend"},
    "proxy": {"frontend", "backend"},
    "celery": {"db", "redis"},
}
# § Health Checks: a part of each service's command.
CHECKS = {
    "db": ["pg_isready", "SELECT 1"],
    "redis": ["PING"],
    "backend": ["/api/v1/health/"],
    "frontend": [":5173/"],
    "proxy": ["nginx_status"],
}
# § Test Environment.
TEST_PORTS = {"db": "5433", "redis": "6380", "backend": "8001", "frontend": "5174"}


class _Loader(yaml.SafeLoader):
    """Reads Compose's own tags, `!reset` and `!override`, as what they stand before."""


_Loader.add_multi_constructor(
    "!",
    lambda loader, _, node: (
        loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else loader.construct_scalar(node)
    ),
)


def services(name: str) -> dict[str, Any]:
    return dict(yaml.load((EDENCO / name).read_text(), _Loader)["services"])


def text(name: str) -> str:
    return (EDENCO / name).read_text()


def test_the_stack_of_development_has_the_documented_services_in_their_layers() -> None:
    found = services("docker-compose.yml")

    assert {name: set(service.get("depends_on", {})) for name, service in found.items()} == LAYERS
    for service in found.values():
        assert all(wait["condition"] == "service_healthy" for wait in service.get("depends_on", {}).values())
    assert found["celery"]["profiles"] == ["with-celery"]


@pytest.mark.parametrize("service", CHECKS)
def test_each_service_has_its_documented_health_check(service: str) -> None:
    check = str(services("docker-compose.yml")[service]["healthcheck"]["test"])

    assert all(part in check for part in CHECKS[service])


@pytest.mark.parametrize("name", DEPLOYED)
def test_what_is_deployed_builds_nothing_and_has_the_port_of_the_proxy_only(name: str) -> None:
    found = services(name)

    assert not [service for service, keys in found.items() if "build" in keys]
    assert {service for service, keys in found.items() if "ports" in keys} <= {"proxy"}


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_host_runs_images_of_the_pipeline_with_limits(environment: str) -> None:
    found = services(f"compose.{environment}.yml")

    for service, variable in {"backend": "BACKEND", "celery": "BACKEND", "frontend": "FRONTEND"}.items():
        assert found[service]["image"].startswith(f"${{{variable}_IMAGE:?")
    for service in LAYERS:
        assert set(found[service]["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert found["backend"]["env_file"] == [".env.docker", f".env.{environment}"]
    assert found["backend"]["environment"]["DJANGO_SETTINGS_MODULE"] == f"config.settings.{environment}"


def test_only_the_configuration_of_nginx_is_mounted_from_the_files_of_a_host() -> None:
    mounted = [
        volume
        for name in DEPLOYED
        for service in services(name).values()
        for volume in service.get("volumes", [])
        if volume.startswith(".")
    ]

    assert mounted == ["./nginx/nginx.conf:/etc/nginx/nginx.conf:ro"]
    assert (EDENCO / "nginx" / "nginx.conf").is_file()


def test_the_tests_have_ports_a_database_and_a_redis_of_their_own() -> None:
    base, found = services("docker-compose.yml"), services("compose.test.yml")

    published = {name: service["ports"][0].split(":")[0] for name, service in found.items() if service.get("ports")}
    assert published == TEST_PORTS
    for service in ("db", "redis"):
        assert set(found[service]["volumes"]).isdisjoint(base[service]["volumes"])
    assert "test-runner" in found


@pytest.mark.parametrize("stage", ["development", "production"])
@pytest.mark.parametrize("image", ["backend", "frontend"])
def test_both_images_have_both_targets(image: str, stage: str) -> None:
    assert re.search(rf"^FROM \S+ AS {stage}$", text(f"{image}/Dockerfile"), re.MULTILINE)


def test_the_versions_are_where_the_documentation_says() -> None:
    package, lock = (json.loads(text(f"frontend/{name}.json")) for name in ("package", "package-lock"))

    assert re.search(r'^__version__ = "\d+\.\d+\.\d+"$', text("backend/config/__init__.py"), re.MULTILINE)
    assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
    assert lock["version"] == package["version"]
    assert {"lint", "test:run"} <= set(package["scripts"])


@pytest.mark.parametrize("reporter", ["list", "html", "json"])
def test_end_to_end_tests_have_the_documented_reports(reporter: str) -> None:
    assert f'["{reporter}"' in text("testing/playwright.config.ts")
