"""A small CDK app, deployed as a user deploys one: `cdk deploy --app "python app.py"`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct


class Orders(cdk.Stack):
    """A bucket, a topic with a queue behind it, a role that may read both, and a parameter that names them."""

    def __init__(self, scope: Construct, construct_id: str, **options: Any) -> None:
        super().__init__(scope, construct_id, **options)
        bucket = s3.Bucket(self, "Bucket", removal_policy=cdk.RemovalPolicy.DESTROY)
        queue = sqs.Queue(self, "Queue", visibility_timeout=cdk.Duration.seconds(int(self.node.get_context("timeout"))))
        topic = sns.Topic(self, "Topic")
        topic.add_subscription(subscriptions.SqsSubscription(queue, raw_message_delivery=True))
        reader = iam.Role(self, "Reader", assumed_by=iam.AccountRootPrincipal())
        bucket.grant_read(reader)
        queue.grant_consume_messages(reader)
        asset = s3_assets.Asset(self, "Asset", path=str(Path(__file__).parent / "greeting.txt"))
        ssm.StringParameter(self, "Parameter", parameter_name="/orders/bucket", string_value=bucket.bucket_name)
        outputs = {
            "BucketName": bucket.bucket_name,
            "QueueUrl": queue.queue_url,
            "TopicArn": topic.topic_arn,
            "ReaderArn": reader.role_arn,
            "AssetUrl": asset.s3_object_url,
        }
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)


if __name__ == "__main__":
    app = cdk.App()
    Orders(app, "Orders")
    app.synth()
