"""Log retention in days, as the CDK's enumeration."""

from __future__ import annotations

from typing import get_args

import pytest
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from products.environment import RetentionDays
from slipway.log_retention import retention
from tests.support.stack import empty_stack


def test_every_retention_of_a_manifest_is_the_one_in_the_template() -> None:
    stack = empty_stack()
    for days in get_args(RetentionDays):
        logs.LogGroup(stack, f"Logs{days}", log_group_name=f"/{days}", retention=retention(days))
    groups = [
        resource["Properties"] for resource in Template.from_stack(stack).find_resources("AWS::Logs::LogGroup").values()
    ]

    assert len(groups) == len(get_args(RetentionDays))
    assert [group for group in groups if group["LogGroupName"] != f"/{group['RetentionInDays']}"] == []


def test_fails_for_days_that_cloudwatch_does_not_accept() -> None:
    with pytest.raises(KeyError):
        retention(91)
