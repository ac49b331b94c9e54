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
        release_tags="release-*",
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


def test_release_tags_are_selected_first_and_never_reach_their_limit(rules: list[dict[str, Any]]) -> None:
    first = min(rules, key=lambda rule: rule["rulePriority"])

    assert first["selection"]["tagPatternList"] == ["release-*"]
    assert (first["selection"]["countType"], first["selection"]["countNumber"]) == ("imageCountMoreThan", 9999)


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
