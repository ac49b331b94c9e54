"""The bucket of a pipeline's artifacts, and the principals that may use it."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from slipway.artifacts import Artifacts
from tests.support.stack import empty_stack, only, properties

SEE = {"s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"}
READ = {"s3:GetObject", "s3:GetObjectVersion"}


@pytest.fixture(scope="module")
def artifacts() -> Artifacts:
    stack = empty_stack()
    access_logs = s3.Bucket.from_bucket_name(stack, "AccessLogs", "logs")
    return Artifacts(stack, "Artifacts", kept=cdk.Duration.days(90), access_logs=access_logs)


@pytest.fixture(scope="module")
def template(artifacts: Artifacts) -> Template:
    return Template.from_stack(cdk.Stack.of(artifacts))


def actions(statements: list[iam.PolicyStatement]) -> set[str]:
    return {action for statement in statements for action in statement.actions}


def test_artifacts_expire_after_the_given_days(template: Template) -> None:
    rules = properties(template, "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]

    assert [rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule] == [90]


def test_the_bucket_is_deleted_with_its_stack(template: Template) -> None:
    assert only(template, "AWS::S3::Bucket")["DeletionPolicy"] == "Delete"


def test_a_build_with_read_access_cannot_write(artifacts: Artifacts) -> None:
    assert actions(artifacts.reading()) == SEE | READ


def test_a_build_with_write_access_may_also_put_objects(artifacts: Artifacts) -> None:
    assert actions(artifacts.writing()) == SEE | READ | {"s3:PutObject"}


def test_codepipeline_may_pass_artifacts_on_and_set_their_acl(artifacts: Artifacts) -> None:
    assert actions(artifacts.passing()) == SEE | READ | {"s3:PutObject", "s3:PutObjectAcl"}


@pytest.mark.parametrize("which", ["reading", "writing", "passing"])
def test_no_action_contains_a_wildcard_and_no_other_bucket_is_reachable(artifacts: Artifacts, which: str) -> None:
    statements = getattr(artifacts, which)()
    own = {artifacts.bucket_arn, artifacts.arn_for_objects("*")}

    assert not any("*" in action for action in actions(statements))
    assert {resource for statement in statements for resource in statement.resources} == own
