"""The Delivery stack: from a push to the last stage."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from constructs import Construct

from products import Product
from products.flows import deliveries
from products.pipeline import Pipeline
from slipway.access_logs import AccessLogs
from slipway.alarms import accept_topic, subscribe
from slipway.log_retention import retention
from slipway.private_bucket import PrivateBucket
from stacks.delivery.builds import Builds
from stacks.delivery.flow import add_stages, define_pipeline
from stacks.delivery.functions import Functions
from stacks.delivery.news import define_news
from stacks.product_stack import ToolingStack

_REPORTS_KEPT = cdk.Duration.days(30)  # as Edenco documents it


class DeliveryStack(ToolingStack):
    """One pipeline for each flow of the manifest, and what they share: functions, reports, messages."""

    def __init__(self, scope: Construct, construct_id: str, *, product: Product, pipeline: Pipeline) -> None:
        super().__init__(scope, construct_id, product=product, description="Pipelines: from a push to production")
        kept = retention(pipeline.log_retention_days)
        topic = sns.Topic(self, "Notifications", enforce_ssl=True, display_name=f"{product.name} pipelines")
        accept_topic(topic)
        subscribe(topic, pipeline.notifications.emails)
        access_logs = AccessLogs(self, "AccessLogs", keep=False, days=pipeline.log_retention_days)
        reports = PrivateBucket(self, "Reports", keep=False, access_logs=access_logs)
        reports.add_lifecycle_rule(id="ExpireReports", expiration=_REPORTS_KEPT)
        flows = deliveries(product)
        functions = Functions(self, product=product, pipeline=pipeline, log_retention=kept)
        for flow in flows:
            defined = define_pipeline(self, product=product, pipeline=pipeline, flow=flow, access_logs=access_logs)
            builds = Builds(
                self,
                product=product,
                pipeline=pipeline,
                flow=flow,
                artifacts=defined.artifacts,
                reports=reports,
                log_retention=kept,
            )
            add_stages(defined, product=product, flow=flow, builds=builds, functions=functions)
        define_news(self, product=product, pipeline=pipeline, flows=flows, topic=topic, log_retention=kept)
        self.output("ReportsBucketName", reports.bucket_name, "Reports of end-to-end tests")
