"""Gives a service such as Prometheus the topic of alarms, and a place for its numbers."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from products import names
from products.containers import Service
from slipway import arns
from stacks.scope import EnvironmentScope


def topic_name(environment_scope: EnvironmentScope) -> str | None:
    """Returns the name of the topic of alarms; None if only CloudWatch publishes to it, and CloudFormation names it."""
    product, environment = environment_scope.product, environment_scope.name
    if any(service.alerts for service in product.services_in(environment).values()):
        return names.alarm_topic(environment, product.name)
    return None


def variables(service: Service) -> dict[str, str]:
    """Returns the variable with the address of the service's workspace of Amazon Managed Prometheus, if it has one."""
    if service.remote_write is None:
        return {}
    region, workspace = service.remote_write.split(":")[3], service.remote_write.rpartition("/")[2]
    # docs.aws.amazon.com/prometheus/latest/userguide/AMP-onboard-ingest-metrics-new-Prometheus.html
    url = f"https://aps-workspaces.{region}.amazonaws.com/workspaces/{workspace}/api/v1/remote_write"
    return {"REMOTE_WRITE_URL": url}


def rights(stack: cdk.Stack, environment_scope: EnvironmentScope, service: Service) -> list[iam.PolicyStatement]:
    """Returns the statements that let a service publish alerts, and write its numbers."""
    found = []
    if service.alerts:
        topic = arns.topic(stack, names.alarm_topic(environment_scope.name, environment_scope.product.name))
        found.append(iam.PolicyStatement(sid="PublishAlerts", actions=["sns:Publish"], resources=[topic]))
    if service.remote_write:
        found.append(
            iam.PolicyStatement(sid="WriteNumbers", actions=["aps:RemoteWrite"], resources=[service.remote_write])
        )
    return found
