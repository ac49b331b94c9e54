"""The Delivery stack: the pipelines from a push to the last stage."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from constructs import Construct

from products import Product, infrastructure_flow
from products.flows import deliveries
from products.pipeline import Pipeline
from slipway.access_logs import AccessLogs
from slipway.alarms import accept_topic, subscribe
from slipway.private_bucket import PrivateBucket
from stacks.delivery import infrastructure
from stacks.delivery.functions import Functions
from stacks.delivery.news import News
from stacks.delivery.pipelines import Pipelines
from stacks.delivery.scope import DeliveryScope
from stacks.product_stack import ToolingStack

_REPORTS_RETENTION = cdk.Duration.days(30)  # as in Edenco's documentation


class DeliveryStack(ToolingStack):
    """One pipeline for each flow of the manifest, and the functions, reports and notifications that they share."""

    LARGE = True

    def __init__(self, scope: Construct, construct_id: str, *, product: Product, pipeline: Pipeline) -> None:
        super().__init__(scope, construct_id, product=product, description="Pipelines: from a push to production")
        delivery_scope = DeliveryScope(self, product, pipeline)
        topic = self._define_topic(delivery_scope)
        access_logs = AccessLogs(self, "AccessLogs", keep=False, days=pipeline.log_retention_days)
        reports = self._define_reports(access_logs)
        functions = Functions(delivery_scope)
        pipelines = Pipelines(delivery_scope, functions=functions, reports=reports, access_logs=access_logs)
        for delivery in deliveries(product):
            pipelines.define(delivery)
        everything = infrastructure_flow.every(product)
        if pipeline.infrastructure:
            infrastructure.define(delivery_scope, everything[-1], pipeline.infrastructure, access_logs=access_logs)
        News(delivery_scope, everything, topic=topic).define()
        self.output("ReportsBucketName", reports.bucket_name, "Reports of end-to-end tests")

    def _define_topic(self, delivery_scope: DeliveryScope) -> sns.Topic:
        topic = sns.Topic(
            self, "Notifications", enforce_ssl=True, display_name=f"{delivery_scope.product.name} pipelines"
        )
        accept_topic(topic)
        subscribe(topic, delivery_scope.settings.notifications.emails)
        return topic

    def _define_reports(self, access_logs: AccessLogs) -> PrivateBucket:
        reports = PrivateBucket(self, "Reports", keep=False, access_logs=access_logs)
        reports.add_lifecycle_rule(id="ExpireReports", expiration=_REPORTS_RETENTION)
        return reports
