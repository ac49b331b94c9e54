"""Log groups are created and updated."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def test_the_retention_and_tags_of_a_log_group_are_updated(plain: Plain) -> None:
    stack, logs, name = unique("logs"), plain.client("logs"), f"/{unique('g')}"

    def template(days: int | None, tag: str) -> dict[str, Any]:
        props: dict[str, Any] = {"LogGroupName": name, "Tags": [{"Key": "a", "Value": tag}]}
        return resources(Group=("AWS::Logs::LogGroup", {**props, **({"RetentionInDays": days} if days else {})}))

    def group() -> dict[str, Any]:
        found: dict[str, Any] = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
        return found

    plain.deploy(template(7, "1"), stack)
    assert group()["retentionInDays"] == 7
    plain.deploy(template(30, "2"), stack)
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
    assert (group()["retentionInDays"], logs.list_tags_for_resource(resourceArn=arn)["tags"]["a"]) == (30, "2")
    plain.deploy(template(None, "2"), stack)
    assert "retentionInDays" not in group()
