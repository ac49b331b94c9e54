"""Where S3 and the load balancer record who asked for what."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway.private_bucket import PrivateBucket


class AccessLogs(PrivateBucket):
    """The records of buckets and load balancers of one account and region; they go after `days`.

    It keeps no record of itself, since each would make another one.
    """

    def __init__(self, scope: Construct, construct_id: str, *, keep: bool, days: int) -> None:
        super().__init__(scope, construct_id, keep=keep, access_logs=None)
        self.add_lifecycle_rule(id="ExpireRecords", expiration=cdk.Duration.days(days))
        # Not the one bucket, as the library would write it: that lies in a stack that depends on this one's.
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="S3WritesRecords",
                principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects("s3/*")],
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account}},
            )
        )
