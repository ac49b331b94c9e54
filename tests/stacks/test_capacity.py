"""Spot capacity, Container Insights and the dashboard are choices of an environment."""

from __future__ import annotations

from tests.support.synthesis import Json, Synthesis, synthesis

SERVICES, OBSERVABILITY = "production-allthrive-services", "production-allthrive-observability"


def cluster(app: Synthesis) -> Json:
    return app.resource("AWS::ECS::Cluster", SERVICES)


def on_spot(app: Synthesis) -> set[str]:
    services = (resource["Properties"] for resource in app.resources("AWS::ECS::Service", SERVICES).values())
    prefix = "production-allthrive-"
    return {
        properties["ServiceName"].removeprefix(prefix)
        for properties in services
        if "FARGATE_SPOT" in str(properties.get("CapacityProviderStrategy"))
    }


def test_by_default_services_run_on_demand_with_insights_and_a_dashboard() -> None:
    app = synthesis()

    assert on_spot(app) == set()
    assert "CapacityProviders" not in cluster(app)
    assert cluster(app)["ClusterSettings"] == [{"Name": "containerInsights", "Value": "enabled"}]
    assert app.resources("AWS::CloudWatch::Dashboard", OBSERVABILITY)


def test_an_environment_on_spot_runs_every_service_there() -> None:
    app = synthesis({"environments.production.capacity": "spot"})

    assert on_spot(app) == {"web", "celery", "celery-beat"}
    assert cluster(app)["CapacityProviders"] == ["FARGATE", "FARGATE_SPOT"]


def test_a_service_on_demand_stays_on_demand_in_an_environment_on_spot() -> None:
    app = synthesis({"environments.production.capacity": "spot", "services.web.capacity": "on-demand"})

    assert on_spot(app) == {"celery", "celery-beat"}


def test_an_environment_moves_one_service_to_spot() -> None:
    app = synthesis({"environments.production.services": {"celery": {"capacity": "spot"}}})

    assert on_spot(app) == {"celery"}
    assert cluster(app)["CapacityProviders"] == ["FARGATE", "FARGATE_SPOT"]


def test_an_environment_without_insights_says_so_to_the_cluster() -> None:
    app = synthesis({"environments.production.container_insights": False})

    assert cluster(app)["ClusterSettings"] == [{"Name": "containerInsights", "Value": "disabled"}]


def test_without_a_dashboard_all_alarms_stay() -> None:
    app = synthesis({"environments.production.dashboard": False})

    assert not app.resources("AWS::CloudWatch::Dashboard", OBSERVABILITY)
    assert app.resources("AWS::CloudWatch::Alarm", OBSERVABILITY).keys() == (
        synthesis().resources("AWS::CloudWatch::Alarm", OBSERVABILITY).keys()
    )
