"""Where a pipeline's artifacts lie, and who may touch them: what the documentation asks for, action by action.

The library's own grants allow by pattern (`s3:List*`, `s3:GetBucket*`), so the pipeline's roles get these instead.
docs.aws.amazon.com/codepipeline/latest/userguide/how-to-custom-role.html
docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from slipway.private_bucket import PrivateBucket
from slipway.rights import Allow


class Artifacts(PrivateBucket):
    """The bucket of one pipeline; what a run left there goes after `kept`."""

    def __init__(self, scope: Construct, construct_id: str, *, kept: cdk.Duration, access_logs: s3.IBucket) -> None:
        super().__init__(scope, construct_id, keep=False, access_logs=access_logs)
        self.add_lifecycle_rule(id="ExpireArtifacts", expiration=kept)

    def reading(self) -> list[iam.PolicyStatement]:
        """What a build needs to read what actions before it left."""
        return [
            self._see(),
            self._with_objects("ReadArtifacts", "s3:GetObject", "s3:GetObjectVersion"),
        ]

    def writing(self) -> list[iam.PolicyStatement]:
        """What a build needs to leave something."""
        return [*self.reading(), self._with_objects("WriteArtifacts", "s3:PutObject")]

    def passing(self) -> list[iam.PolicyStatement]:
        """What CodePipeline needs to carry artifacts from action to action, and a source action to leave the first."""
        return [
            self._see(),
            self._with_objects(
                "PassArtifacts", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectAcl"
            ),
        ]

    def _with_objects(self, sid: str, *actions: str) -> Allow:
        return Allow(
            sid=sid,
            actions=actions,
            resources=[self.arn_for_objects("*")],
            because="CodePipeline names an artifact when a run leaves it; the bucket holds nothing else",
        )

    def _see(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            sid="SeeArtifacts",
            actions=["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"],
            resources=[self.bucket_arn],
        )
