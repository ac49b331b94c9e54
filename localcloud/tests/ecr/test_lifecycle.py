"""ECR lifecycle policies: the examples of Amazon's user guide, and the preview."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.ecr.lifecycle import Image, PolicyError, expired
from localcloud.testing.plain import Plain, plain, resources

__all__ = ["plain"]

DAY = 86400.0
NOW = 1000 * DAY


def image(name: str, days: float, *tags: str) -> Image:
    return Image(name, NOW - days * DAY, frozenset(tags))


def rule(priority: int, number: int, *patterns: str, status: str = "tagged", count: str = "imageCountMoreThan") -> Any:
    selection: dict[str, Any] = {"tagStatus": status, "countType": count, "countNumber": number}
    if patterns:
        selection["tagPatternList"] = list(patterns)
    if count == "sinceImagePushed":
        selection["countUnit"] = "days"
    return {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}


def gone(images: list[Image], *rules: Any) -> dict[str, int]:
    return {found.digest: by for found, by in expired(json.dumps({"rules": list(rules)}), images, NOW).items()}


def test_an_earlier_rule_decides_about_an_image_of_both() -> None:
    images = [image("A", 10, "beta-1", "prod-1"), image("B", 9, "beta-2", "prod-2"), image("C", 8, "beta-3")]

    assert gone(images, rule(1, 1, "prod*"), rule(2, 1, "beta*")) == {"A": 1}


def test_a_later_rule_spares_what_an_earlier_one_keeps() -> None:
    images = [image("A", 10, "beta-1", "prod-1"), image("B", 9, "beta-2", "prod-2"), image("C", 8, "beta-3")]

    assert gone(images, rule(1, 1, "beta*"), rule(2, 1, "prod*")) == {"A": 1, "B": 1}


def test_an_image_must_match_all_patterns_of_a_rule() -> None:
    images = [image("A", 10, "alpha-1"), image("B", 9, "beta-1"), image("C", 8, "alpha-2", "beta-2")]

    assert gone(images, rule(1, 0, "alpha*", "beta*")) == {"C": 1}


def test_the_rule_for_all_images_counts_those_that_earlier_rules_keep() -> None:
    images = [
        image("A", 12, "alpha-1"),
        image("B", 11, "beta-1"),
        image("C", 10, "alpha-2", "beta-2"),
        image("D", 9, "git-sha-1"),
        image("E", 8),
    ]
    rules = [rule(1, 1, "alpha*"), rule(2, 1, status="untagged"), rule(3, 1, status="any")]

    assert gone(images, *rules) == {"A": 1, "B": 3, "D": 3}


def test_an_age_is_counted_from_the_push() -> None:
    images = [image("A", 15, "prod"), image("B", 13, "prod-2"), image("C", 30, "other")]

    assert gone(images, rule(1, 14, "prod*", count="sinceImagePushed")) == {"A": 1}


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ([rule(1, 1, "a*"), rule(1, 1, "b*")], "same rulePriority"),
        ([rule(1, 1, status="any"), rule(2, 1, "b*")], "highest rulePriority"),
        ([rule(1, 1, "*a*b*c*d*")], "more than 4 wildcards"),
        ([rule(1, 1, "a*"), rule(2, 2, "a*")], "select the same tags"),
        ([rule(1, 1, status="untagged"), rule(2, 2, status="untagged")], "only one rule"),
        ([rule(1, 1, status="tagged")], "needs tagPrefixList"),
    ],
)
def test_a_policy_that_ecr_refuses_is_refused(rules: list[Any], reason: str) -> None:
    with pytest.raises(PolicyError, match=reason):
        gone([], *rules)


@pytest.mark.local
def test_the_preview_names_the_images_that_a_policy_would_expire(plain: Plain) -> None:
    ecr = plain.client("ecr")
    name = plain.deploy(resources(Repository=("AWS::ECR::Repository", {"EmptyOnDelete": True})))["Repository"]
    for tag in ("v1", "snapshot"):
        ecr.put_image(repositoryName=name, imageManifest=json.dumps({"schemaVersion": 2, "of": tag}), imageTag=tag)
    policy = json.dumps({"rules": [rule(1, 9, "v*"), rule(2, 0, status="any")]})

    ecr.start_lifecycle_policy_preview(repositoryName=name, lifecyclePolicyText=policy)
    shown = ecr.get_lifecycle_policy_preview(repositoryName=name)

    assert (shown["status"], shown["summary"]["expiringImageTotalCount"]) == ("COMPLETE", 1)
    assert [(found["imageTags"], found["appliedRulePriority"]) for found in shown["previewResults"]] == [
        (["snapshot"], 2)
    ]
