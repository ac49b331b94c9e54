"""An ECR repository for one image."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk.assertions import Template

from slipway.image_repository import ImageRepository
from tests.support.stack import empty_stack, only, properties

KIND = "AWS::ECR::Repository"


def repository(*readers: str) -> Template:
    stack = empty_stack()
    ImageRepository(
        stack,
        "Images",
        repository_name="shop/backend",
        keep_snapshots=7,
        moving_tags=["latest", "feature-*"],
        kept_tags=["in-use-*", "release-*"],
        entered_tags="entered-*",
        keep_entered=90,
        readers=list(readers),
    )
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def template() -> Template:
    return repository()


@pytest.fixture(scope="module")
def rules(template: Template) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(properties(template, KIND)["LifecyclePolicy"]["LifecyclePolicyText"])[
        "rules"
    ]
    return found


def test_tags_are_immutable_except_the_moving_ones(template: Template) -> None:
    found = properties(template, KIND)

    assert found["ImageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert [
        exclusion["ImageTagMutabilityExclusionFilterValue"] for exclusion in found["ImageTagMutabilityExclusionFilters"]
    ] == [
        "latest",
        "feature-*",
    ]


def test_every_push_is_scanned(template: Template) -> None:
    assert properties(template, KIND)["ImageScanningConfiguration"] == {"ScanOnPush": True}


def test_kept_tags_are_selected_first_each_by_a_rule_and_never_reach_their_limit(rules: list[dict[str, Any]]) -> None:
    first, second, *_ = sorted(rules, key=lambda rule: int(rule["rulePriority"]))

    assert [rule["selection"]["tagPatternList"] for rule in (first, second)] == [["in-use-*"], ["release-*"]]
    for rule in (first, second):
        assert (rule["selection"]["countType"], rule["selection"]["countNumber"]) == ("imageCountMoreThan", 9999)


def test_of_the_entered_images_the_newest_are_kept(rules: list[dict[str, Any]]) -> None:
    (rule,) = [rule["selection"] for rule in rules if rule["selection"].get("tagPatternList") == ["entered-*"]]

    assert (rule["countType"], rule["countNumber"]) == ("imageCountMoreThan", 90)


def test_untagged_images_expire_after_a_day(rules: list[dict[str, Any]]) -> None:
    (rule,) = [rule["selection"] for rule in rules if rule["selection"]["tagStatus"] == "untagged"]

    assert (rule["countType"], rule["countNumber"], rule["countUnit"]) == ("sinceImagePushed", 1, "days")


def test_the_newest_snapshots_are_kept(rules: list[dict[str, Any]]) -> None:
    last = max(rules, key=lambda rule: rule["rulePriority"])["selection"]

    assert (last["tagStatus"], last["countType"], last["countNumber"]) == ("any", "imageCountMoreThan", 7)


def test_is_retained_when_its_stack_is_deleted(template: Template) -> None:
    assert only(template, KIND)["DeletionPolicy"] == "Retain"


def test_the_named_accounts_may_pull() -> None:
    (statement,) = properties(repository("444455556666"), KIND)["RepositoryPolicyText"]["Statement"]

    assert "444455556666" in json.dumps(statement["Principal"])
    assert not any("Put" in action or "Delete" in action for action in statement["Action"])


def test_without_readers_no_other_account_may_pull(template: Template) -> None:
    assert "RepositoryPolicyText" not in properties(template, KIND)
