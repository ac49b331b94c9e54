"""A bucket for the access logs of S3 and the load balancer."""

from __future__ import annotations

import pytest
from aws_cdk.assertions import Template

from slipway.access_logs import AccessLogs
from tests.support.stack import empty_stack, properties


@pytest.fixture(scope="module")
def template() -> Template:
    stack = empty_stack()
    AccessLogs(stack, "AccessLogs", keep=True, days=30)
    return Template.from_stack(stack)


def test_logs_expire_after_their_days(template: Template) -> None:
    rules = properties(template, "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]

    assert [rule["ExpirationInDays"] for rule in rules if rule["Id"] == "ExpireRecords"] == [30]


def test_s3_may_write_for_this_account_only(template: Template) -> None:
    (written,) = [
        statement
        for statement in properties(template, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]

    assert written["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert written["Action"] == "s3:PutObject"
    assert written["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}


def test_it_does_not_log_access_to_itself(template: Template) -> None:
    assert "LoggingConfiguration" not in properties(template, "AWS::S3::Bucket")
