"""Services find each other by name, Prometheus may publish alerts and write numbers, and dashboards show the causes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from paths import ROOT
from products.loader import validated
from stacks.product import add_environments
from tests.support.synthesis import Json, app, shipped, synthesis

SERVICES, NETWORK = "production-showcase-services", "production-showcase-network"
WORKSPACE = "arn:aws:aps:eu-west-1:555566667777:workspace/ws-0f1e2d3c-0000-4000-8000-000000000000"


def found(template: Json, kind: str) -> list[Json]:
    return [resource["Properties"] for resource in template["Resources"].values() if resource["Type"] == kind]


def test_the_called_service_registers_its_tasks_under_its_name_in_the_vpc() -> None:
    template = shipped("showcase")[SERVICES]
    (namespace,) = found(template, "AWS::ServiceDiscovery::PrivateDnsNamespace")
    (name,) = found(template, "AWS::ServiceDiscovery::Service")
    registering = [service for service in found(template, "AWS::ECS::Service") if service.get("ServiceRegistries")]

    assert namespace["Name"] == "production-showcase.internal"
    assert name["Name"] == "backend"
    assert name["DnsConfig"]["DnsRecords"] == [{"TTL": 10, "Type": "A"}]
    assert [service["ServiceName"] for service in registering] == ["production-showcase-backend"]


def test_containers_may_connect_to_each_other_on_that_port_alone() -> None:
    template = shipped("showcase")[NETWORK]
    inside = [
        (rule["FromPort"], rule["ToPort"])
        for rule in found(template, "AWS::EC2::SecurityGroupIngress")
        if rule.get("SourceSecurityGroupId") == rule["GroupId"]
    ]

    assert inside == [(8000, 8000)]


def test_a_product_whose_services_call_nobody_has_no_names_and_no_such_rule() -> None:
    templates = shipped("allthrive")

    assert not found(templates["production-allthrive-services"], "AWS::ServiceDiscovery::PrivateDnsNamespace")
    assert not [
        rule
        for rule in found(templates["production-allthrive-network"], "AWS::EC2::SecurityGroupIngress")
        if rule.get("SourceSecurityGroupId") == rule["GroupId"]
    ]


def test_only_prometheus_may_publish_and_only_to_the_topic_of_the_alarms() -> None:
    policies = [
        statement
        for policy in found(shipped("showcase")[SERVICES], "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if "sns:Publish" in str(statement["Action"])
    ]
    (topic,) = found(shipped("showcase")["production-showcase-observability"], "AWS::SNS::Topic")

    (publish,) = policies
    assert topic["TopicName"] == "production-showcase-alarms"
    assert publish["Resource"].endswith(f":{topic['TopicName']}")


def test_the_topic_of_other_products_keeps_the_name_that_cloudformation_made_up() -> None:
    (topic,) = found(shipped("allthrive")["production-allthrive-observability"], "AWS::SNS::Topic")

    assert "TopicName" not in topic


@pytest.fixture(scope="module", name="remote")
def _remote() -> Json:
    data: dict[str, Any] = yaml.safe_load((ROOT / "products" / "showcase.yaml").read_text(encoding="utf-8"))
    data["environments"]["production"]["services"] = {"prometheus": {"remote_write": WORKSPACE}}
    made = app()
    stage = add_environments(made, validated(data))["production"]
    return dict(stage.synth().get_stack_by_name(SERVICES).template)


def test_remote_write_is_a_right_on_one_workspace_and_its_address(remote: Json) -> None:
    statements = [
        statement
        for policy in found(remote, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "aps:RemoteWrite"
    ]
    variables = [
        (variable["Name"], variable["Value"])
        for task in found(remote, "AWS::ECS::TaskDefinition")
        for container in task["ContainerDefinitions"]
        for variable in container["Environment"]
        if variable["Name"] == "REMOTE_WRITE_URL"
    ]

    assert [statement["Resource"] for statement in statements] == [WORKSPACE]
    ((_, url),) = variables
    workspace = WORKSPACE.rpartition("/")[2]
    assert url == f"https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/{workspace}/api/v1/remote_write"


def titles(body: Any) -> list[str]:
    return [widget["properties"].get("title", "") for widget in json.loads(written(body))["widgets"]]


def written(body: Any) -> str:
    """Returns a dashboard's body with a word for each value that only the deployment knows."""
    parts = body["Fn::Join"][1] if isinstance(body, dict) else [body]
    return "".join(part if isinstance(part, str) else "token" for part in parts)


def test_the_dashboard_shows_requests_latency_tasks_queues_stores_and_releases() -> None:
    body = synthesis().resource("AWS::CloudWatch::Dashboard", "production-allthrive-observability")["DashboardBody"]
    text = written(body)

    for title in ("Requests and errors", "Seconds until an answer", "Tasks", "Numbers in logs", "Database", "Cache"):
        assert any(shown.startswith(title) for shown in titles(body)), title
    for metric in ("RequestCount", "DeploymentCount", "DesiredTaskCount", "OldestTaskIsTooOld", "DatabaseConnections"):
        assert metric in text, metric


def test_without_container_insights_the_dashboard_has_no_metric_of_them() -> None:
    changes = {"environments.production.container_insights": False}
    app = synthesis(changes)

    text = written(app.resource("AWS::CloudWatch::Dashboard", "production-allthrive-observability")["DashboardBody"])

    assert "ContainerInsights" not in text


def test_the_delivery_has_a_dashboard_unless_the_manifest_does_without() -> None:
    (dashboard,) = found(shipped("showcase")["tooling-showcase-delivery"], "AWS::CloudWatch::Dashboard")

    assert dashboard["DashboardName"] == "tooling-showcase"
    assert "FailedPipelineExecutions" in written(dashboard["DashboardBody"])
    without = synthesis({"pipeline.dashboard": False}, tooling=True)
    assert not without.resources("AWS::CloudWatch::Dashboard", "tooling-allthrive-delivery")
