"""A bucket for the access logs of S3 and the load balancer."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway.private_bucket import PrivateBucket


class AccessLogs(PrivateBucket):
    """The access logs of buckets and load balancers of one account and region; they expire after `days`.

    The bucket does not log access to itself: each log record would cause another one.
    """

    def __init__(self, scope: Construct, construct_id: str, *, keep: bool, days: int) -> None:
        super().__init__(scope, construct_id, keep=keep, access_logs=None)
        self.add_lifecycle_rule(id="ExpireRecords", expiration=cdk.Duration.days(days))
        # The CDK would name the source bucket here, but that bucket's stack depends on this one's.
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="S3WritesRecords",
                principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects("s3/*")],
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account}},
            )
        )
