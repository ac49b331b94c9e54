"""The bucket of a pipeline's artifacts, and the rights to use it: exactly the actions in AWS's documentation.

The CDK's own grants contain wildcards (`s3:List*`, `s3:GetBucket*`), so the pipeline's roles get these statements.
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
    """The artifact bucket of one pipeline; artifacts expire after `kept`."""

    def __init__(self, scope: Construct, construct_id: str, *, kept: cdk.Duration, access_logs: s3.IBucket) -> None:
        super().__init__(scope, construct_id, keep=False, access_logs=access_logs)
        self.add_lifecycle_rule(id="ExpireArtifacts", expiration=kept)

    def reading(self) -> list[iam.PolicyStatement]:
        """Returns the statements that let a build read the artifacts of earlier actions."""
        return [
            self._see(),
            self._with_objects("ReadArtifacts", "s3:GetObject", "s3:GetObjectVersion"),
        ]

    def writing(self) -> list[iam.PolicyStatement]:
        """Returns the statements that let a build read and write artifacts."""
        return [*self.reading(), self._with_objects("WriteArtifacts", "s3:PutObject")]

    def passing(self) -> list[iam.PolicyStatement]:
        """Returns the statements that let CodePipeline pass artifacts on, and a source action write the first one."""
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
