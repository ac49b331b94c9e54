"""Where an image's releases are kept."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway.accepted import accept, accept_aws_key


class ImageRepository(ecr.Repository):
    """A registry repository whose tags mean one thing for ever.

    Default settings:
    - tags immutable, but for `moving_tags`, where `*` stands for any text;
    - scanned on push, encrypted;
    - untagged images go after a day; of the tagged ones the newest `keep_snapshots` stay;
    - tags that match `release_tags`, where `*` stands for any text, never expire: the lifecycle's first rule takes them
      out of the count;
    - stays when its stack goes;
    - `readers`: other accounts whose tasks may pull.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        repository_name: str,
        keep_snapshots: int,
        moving_tags: Sequence[str],
        release_tags: str,
        readers: list[str],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            repository_name=repository_name,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE_WITH_EXCLUSION,
            image_tag_mutability_exclusion_filters=[
                ecr.ImageTagMutabilityExclusionFilter.wildcard(tag) for tag in moving_tags
            ],
            image_scan_on_push=True,
            encryption=ecr.RepositoryEncryption.AES_256,
            removal_policy=cdk.RemovalPolicy.RETAIN,
            lifecycle_rules=_lifecycle_rules(release_tags, keep_snapshots),
        )
        self._accept()
        if readers:
            self._add_readers(readers)

    def _accept(self) -> None:
        accept_aws_key(self, "CKV_AWS_136")
        accept(
            self,
            "tags are immutable but for the moving ones that the manifest lists; the rule does not know exclusions",
            "CKV_AWS_51",
        )

    def _add_readers(self, accounts: list[str]) -> None:
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="EnvironmentsPull",
                principals=[iam.AccountPrincipal(account) for account in accounts],
                actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            )
        )


def _lifecycle_rules(release_tags: str, keep_snapshots: int) -> list[ecr.LifecycleRule]:
    return [
        # An image that one rule selects is left alone by those of lower priority, and these expire only what
        # exceeds a count no product reaches: so release tags stay (ECR, "Evaluation of lifecycle policies").
        ecr.LifecycleRule(
            description="Release tags stay",
            rule_priority=1,
            tag_pattern_list=[release_tags],
            max_image_count=9999,
        ),
        ecr.LifecycleRule(
            description="Untagged images are of no release",
            rule_priority=2,
            tag_status=ecr.TagStatus.UNTAGGED,
            max_image_age=cdk.Duration.days(1),
        ),
        ecr.LifecycleRule(
            description="The newest snapshots stay",
            rule_priority=3,
            tag_status=ecr.TagStatus.ANY,
            max_image_count=keep_snapshots,
        ),
    ]
