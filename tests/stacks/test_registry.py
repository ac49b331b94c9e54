"""The Registry stack: where images are kept, and who may pull them."""

from __future__ import annotations

from tests.support.synthesis import shipped, synthesis

STACK = "tooling-allthrive-registry"


def test_there_is_one_repository_for_each_image() -> None:
    of = synthesis({"images.prometheus": {"context": "metrics"}}, tooling=True)
    names = [it["Properties"]["RepositoryName"] for it in of.resources("AWS::ECR::Repository", STACK).values()]

    assert sorted(names) == ["allthrive/backend", "allthrive/prometheus"]
    assert {"BackendRepositoryUri", "PrometheusRepositoryUri"} <= set(of[STACK]["Outputs"])


def test_no_repository_moves_to_another_logical_id() -> None:
    assert list(shipped("allthrive").resources("AWS::ECR::Repository")) == [f"{STACK}/BackendEC8447F5"]


def test_tooling_is_protected_from_deletion() -> None:
    assert shipped("allthrive").properties[STACK]["terminationProtection"] is True


def test_one_account_needs_no_repository_policy() -> None:
    assert "RepositoryPolicyText" not in shipped("allthrive").resource("AWS::ECR::Repository", STACK)


def test_another_account_may_pull_and_nothing_else() -> None:
    of = synthesis({"environments.production.account": "444455556666"}, tooling=True)
    (statement,) = of.resource("AWS::ECR::Repository", STACK)["RepositoryPolicyText"]["Statement"]

    assert "444455556666" in str(statement["Principal"])
    assert "111122223333" not in str(statement["Principal"])
    assert statement["Action"] == [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ]


def test_tasks_of_another_account_pull_from_the_tooling_account() -> None:
    of = synthesis({"environments.production.account": "444455556666"}, tooling=True)
    found = str(of["production-allthrive-services"])

    assert ":ecr:us-east-1:111122223333:repository/allthrive/backend" in found
    assert ":ecr:us-east-1:444455556666:" not in found
