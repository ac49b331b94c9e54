"""The Registry stack: the ECR repositories, and the accounts that may pull from them."""

from __future__ import annotations

import fnmatch
import json
from typing import Any

import pytest

from tests.support.synthesis import PRODUCTS, Json, Synthesis, shipped, synthesis

STACK = "tooling-allthrive-registry"


def named(app: Synthesis, name: str) -> Json:
    """Returns the properties of the repository with this name."""
    return app.resource("AWS::ECR::Repository", STACK, lambda properties: properties["RepositoryName"] == name)


def test_each_image_has_a_repository_for_main_and_one_for_all_other_branches() -> None:
    app = synthesis({"images.prometheus": {"context": "metrics"}}, tooling=True)
    names = [
        resource["Properties"]["RepositoryName"] for resource in app.resources("AWS::ECR::Repository", STACK).values()
    ]

    assert sorted(names) == [
        "allthrive/backend",
        "allthrive/branches/backend",
        "allthrive/branches/prometheus",
        "allthrive/builds/backend",
        "allthrive/builds/branches/backend",
        "allthrive/builds/branches/prometheus",
        "allthrive/builds/prometheus",
        "allthrive/prometheus",
    ]
    assert {"BackendRepositoryUri", "PrometheusRepositoryUri"} <= set(app[STACK]["Outputs"])


def test_a_product_whose_branches_publish_no_images_has_no_repository_for_them() -> None:
    app = synthesis({"pipeline.flows.feature.stages": ["test"]}, tooling=True)

    assert not [
        resource["Properties"]["RepositoryName"]
        for resource in app.resources("AWS::ECR::Repository", STACK).values()
        if "/branches/" in resource["Properties"]["RepositoryName"]
    ]


def test_every_repository_keeps_its_logical_id() -> None:
    assert list(shipped("allthrive").resources("AWS::ECR::Repository")) == [
        f"{STACK}/BranchesBackendEF2B8A7A",
        f"{STACK}/BuildsBackend8FD41B07",
        f"{STACK}/BuildsBranchesBackendE5CC0DC1",
        f"{STACK}/BackendEC8447F5",
    ]


def test_images_of_branches_expire_earlier_than_those_of_main() -> None:
    kept = {}
    for name in ("allthrive/backend", "allthrive/branches/backend"):
        text = named(shipped("allthrive"), name)["LifecyclePolicy"]["LifecyclePolicyText"]
        kept[name] = max(json.loads(text)["rules"], key=lambda rule: int(rule["rulePriority"]))["selection"]

    assert kept["allthrive/branches/backend"]["countNumber"] < kept["allthrive/backend"]["countNumber"]
    assert {selection["countType"] for selection in kept.values()} == {
        "imageCountMoreThan"
    }  # by age, staging could lose its own


def test_the_commit_tag_of_an_image_is_immutable_in_both_repositories() -> None:
    for product in PRODUCTS:
        for place, repository in shipped(product).resources("AWS::ECR::Repository").items():
            properties = repository["Properties"]
            moving = [exclusion["ImageTagMutabilityExclusionFilterValue"] for exclusion in filters(properties)]
            assert properties["ImageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION", place
            assert not [tag for tag in moving if fnmatch.fnmatchcase(f"commit-{'0' * 40}", tag)], place


def filters(properties: Json) -> list[Json]:
    return list(properties["ImageTagMutabilityExclusionFilters"])


def test_tooling_is_protected_from_deletion() -> None:
    assert shipped("allthrive").properties[STACK]["terminationProtection"] is True


def test_one_account_needs_no_repository_policy() -> None:
    for repository in shipped("allthrive").resources("AWS::ECR::Repository", STACK).values():
        assert "RepositoryPolicyText" not in repository["Properties"]


def test_another_account_may_pull_images_and_nothing_else() -> None:
    app = synthesis({"environments.production.account": "444455556666"}, tooling=True)
    (statement,) = named(app, "allthrive/backend")["RepositoryPolicyText"]["Statement"]

    assert "444455556666" in str(statement["Principal"])
    assert "111122223333" not in str(statement["Principal"])
    assert statement["Action"] == [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ]


def test_only_stagings_account_may_pull_images_of_branches() -> None:
    accounts = {"environments.production.account": "444455556666", "environments.staging.account": "777788889999"}
    app = synthesis(accounts, tooling=True)
    main, branches = (
        str(named(app, name)["RepositoryPolicyText"]) for name in ("allthrive/backend", "allthrive/branches/backend")
    )

    assert ("777788889999" in main, "777788889999" in branches) == (True, True)
    assert ("444455556666" in main, "444455556666" in branches) == (True, False)


def test_tasks_of_another_account_pull_from_the_tooling_account() -> None:
    app = synthesis({"environments.production.account": "444455556666"}, tooling=True)
    found = str(app["production-allthrive-services"])

    assert ":ecr:us-east-1:111122223333:repository/allthrive/backend" in found
    assert ":ecr:us-east-1:444455556666:" not in found


@pytest.mark.parametrize(
    ("changes", "kept"),
    [({}, "v*"), ({"pipeline.release_tag": "release-{version}"}, "release-*"), ({"pipeline": None}, "v*")],
    ids=["by default", "by the manifest's release tag", "without a pipeline"],
)
def test_images_with_a_release_tag_never_expire(changes: dict[str, Any], kept: str) -> None:
    found = named(synthesis(changes, tooling=True), "allthrive/backend")
    rules = json.loads(found["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]

    assert ([kept], 9999) in [
        (rule["selection"].get("tagPatternList"), rule["selection"]["countNumber"]) for rule in rules
    ]


def test_tags_of_images_in_use_move_and_never_expire_in_both_repositories() -> None:
    for product in PRODUCTS:
        for resource in shipped(product).resources("AWS::ECR::Repository").values():
            properties = resource["Properties"]
            if "/candidates/" in properties["RepositoryName"] or "/builds/" in properties["RepositoryName"]:
                continue  # no environment uses one
            moving = [rule["ImageTagMutabilityExclusionFilterValue"] for rule in filters(properties)]
            first = json.loads(properties["LifecyclePolicy"]["LifecyclePolicyText"])["rules"][0]

            assert "in-use-*" in moving
            assert (first["rulePriority"], first["selection"]["tagPatternList"]) == (1, ["in-use-*"])


def test_a_repository_of_candidates_keeps_no_image_by_its_tags() -> None:
    (properties,) = (
        resource["Properties"]
        for resource in shipped("ame-timesheets").resources("AWS::ECR::Repository").values()
        if resource["Properties"]["RepositoryName"] == "ame-timesheets/candidates/backend"
    )
    rules = json.loads(properties["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]

    assert [rule["selection"]["tagStatus"] for rule in rules] == ["untagged", "any"]
    assert [rule["ImageTagMutabilityExclusionFilterValue"] for rule in filters(properties)] == ["layers-*"]


def test_no_account_may_pull_an_image_whose_tests_have_not_passed() -> None:
    accounts = {"environments.production.account": "444455556666", "environments.staging.account": "777788889999"}
    app = synthesis(accounts, tooling=True)

    for name in ("allthrive/builds/backend", "allthrive/builds/branches/backend"):
        properties = named(app, name)
        assert "RepositoryPolicyText" not in properties
        assert [rule["ImageTagMutabilityExclusionFilterValue"] for rule in filters(properties)] == ["layers-*"]


def test_another_account_may_not_pull_candidates() -> None:
    changes = {
        "environments.production.account": "444455556666",
        "pipeline.flows.pull-request.stages": ["test", "publish"],
    }
    app = synthesis(changes, tooling=True)

    assert "444455556666" in str(named(app, "allthrive/backend")["RepositoryPolicyText"])
    assert "RepositoryPolicyText" not in named(app, "allthrive/candidates/backend")
