"""An ECR repository for one image."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway.accepted import accept, accept_aws_key


class ImageRepository(ecr.Repository):
    """An ECR repository with immutable tags.

    Default settings:
    - tags are immutable, except `moving_tags`, where `*` matches any text;
    - images are scanned on push and encrypted;
    - images with a tag that matches one of `kept_tags` never expire; `*` matches any text;
    - of the images with a tag that matches `entered_tags` the newest `keep_entered` are kept, by time of push; without
      `entered_tags` no environment runs the images;
    - untagged images expire after a day;
    - of all images the newest `keep_snapshots` are kept; kept images count, although this rule never expires them;
    - the repository is kept when its stack is deleted;
    - `readers`: other accounts whose tasks may pull images.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        repository_name: str,
        keep_snapshots: int,
        moving_tags: Sequence[str],
        kept_tags: Sequence[str],
        entered_tags: str | None = None,
        keep_entered: int = 0,
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
            lifecycle_rules=_lifecycle_rules(kept_tags, entered_tags, keep_entered, keep_snapshots),
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


class PublicImages(ecr.CfnPublicRepository):
    """A repository of ECR Public, whose images everybody may pull; it is kept when its stack is deleted."""

    def __init__(self, scope: Construct, construct_id: str, *, repository_name: str, description: str) -> None:
        super().__init__(
            scope,
            construct_id,
            repository_name=repository_name,
            repository_catalog_data={"RepositoryDescription": description},
        )
        self.apply_removal_policy(cdk.RemovalPolicy.RETAIN)


def _lifecycle_rules(
    kept_tags: Sequence[str], entered_tags: str | None, keep_entered: int, keep_snapshots: int
) -> list[ecr.LifecycleRule]:
    # An image that a rule selects cannot be expired by a later rule. The first rules expire images only beyond a count
    # that no product reaches, so what they select is kept. Each pattern is a rule of its own: an image must match all
    # patterns of a rule (ECR User Guide, "Lifecycle policy evaluation rules", "tagPatternList", read on 2026-11-30).
    kept = [
        ecr.LifecycleRule(
            description=f"Images tagged {pattern} stay",
            rule_priority=priority,
            tag_pattern_list=[pattern],
            max_image_count=9999,
        )
        for priority, pattern in enumerate(kept_tags, start=1)
    ]
    if entered_tags:
        kept.append(
            ecr.LifecycleRule(
                description="The newest images that entered an environment stay",
                rule_priority=len(kept) + 1,
                tag_pattern_list=[entered_tags],
                max_image_count=keep_entered,
            )
        )
    return [
        *kept,
        ecr.LifecycleRule(
            description="Untagged images are of no release",
            rule_priority=len(kept) + 1,
            tag_status=ecr.TagStatus.UNTAGGED,
            max_image_age=cdk.Duration.days(1),
        ),
        ecr.LifecycleRule(
            description="The newest snapshots stay",
            rule_priority=len(kept) + 2,
            tag_status=ecr.TagStatus.ANY,
            max_image_count=keep_snapshots,
        ),
    ]
