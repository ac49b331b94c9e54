"""Health checks reach the target groups, the containers and the services of an environment."""

from __future__ import annotations

import pytest

from tests.support.manifests import REMOVED
from tests.support.synthesis import Json, Synthesis, synthesis

STACK = "production-allthrive-services"
CHECK = {"status": "200-399", "interval_seconds": 20, "timeout_seconds": 6, "grace_seconds": 150}
PING = ["sh", "-c", "celery -A config inspect ping -d celery@$(hostname)"]


@pytest.fixture(scope="module")
def app() -> Synthesis:
    return synthesis(
        {
            "services.web.health_check": {**CHECK, "command": ["true"], "start_seconds": 5},
            "services.celery.health_command": REMOVED,
            "services.celery-beat.health_command": REMOVED,
            "services.celery.health_check": {"command": PING, "interval_seconds": 60, "timeout_seconds": 30},
        }
    )


def container(app: Synthesis, name: str) -> Json:
    task = app.resource(
        "AWS::ECS::TaskDefinition", STACK, lambda properties: properties["Family"] == f"production-allthrive-{name}"
    )
    return dict(task["ContainerDefinitions"][0])


def service(app: Synthesis, name: str) -> Json:
    return app.resource(
        "AWS::ECS::Service", STACK, lambda properties: properties["ServiceName"] == f"production-allthrive-{name}"
    )


def test_the_target_group_has_the_check_of_the_manifest(app: Synthesis) -> None:
    group = app.resource("AWS::ElasticLoadBalancingV2::TargetGroup", STACK)

    assert group["HealthCheckPath"] == "/api/v1/health/"
    assert group["Matcher"] == {"HttpCode": "200-399"}
    assert (group["HealthCheckIntervalSeconds"], group["HealthCheckTimeoutSeconds"]) == (20, 6)


def test_a_service_may_be_checked_by_the_load_balancer_and_by_a_command(app: Synthesis) -> None:
    check = container(app, "web")["HealthCheck"]

    assert check == {"Command": ["CMD", "true"], "Interval": 20, "Timeout": 6, "Retries": 3, "StartPeriod": 5}


def test_a_worker_is_checked_by_its_command(app: Synthesis) -> None:
    check = container(app, "celery")["HealthCheck"]

    assert check == {"Command": ["CMD", *PING], "Interval": 60, "Timeout": 30, "Retries": 3, "StartPeriod": 60}
    assert "HealthCheck" not in container(app, "celery-beat")


def test_the_grace_period_is_the_services_own(app: Synthesis) -> None:
    assert service(app, "web")["HealthCheckGracePeriodSeconds"] == 150
    assert "HealthCheckGracePeriodSeconds" not in service(app, "celery")


def test_a_service_with_static_paths_only_is_behind_the_load_balancer_too() -> None:
    app = synthesis({"services.web.paths": []})

    assert service(app, "web")["HealthCheckGracePeriodSeconds"] == 60
